using System.ComponentModel;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>For how long a tenant keeps its telemetry.</summary>
internal static class RetentionContracts
{
    internal sealed record RetentionPolicy(
        [property: Description("Made of tier and metric.")] string Id,
        [property: Description("A metric's name, or a pattern: * stands for any text, ? for one character.")] string Metric,
        [property: Description("raw, minute, hour or day")] string Tier,
        [property: Description("How long, from a point's own time, such as 30d.")] string Keep,
        long Version
    );

    internal sealed record NewRetentionPolicy(
        [property: Description("raw, minute, hour or day, if the store keeps it: see 'tiers' of the list.")] string Tier,
        [property: Description("How long, from a point's own time: a number and a unit, 1h to 36500d. What is older is deleted for ever.")]
            string Keep,
        [property: Description(
            "A metric's name, or a pattern: * stands for any text, ? for one character. Of those that match the one with most other characters counts. Where 'isByMetric' of the list is false, * alone."
        )]
            string Metric = Insa.Iiot.RetentionPolicy.AllMetrics
    );

    internal sealed record SetRetentionPolicy(
        [property: Description("How long, from a point's own time: a number and a unit, 1h to 36500d. What is older is deleted for ever.")]
            string Keep
    );

    internal sealed record RetentionPolicyList(
        [property: Description("What the store keeps, from the finest to the coarsest: raw, minute, hour, day.")]
            IReadOnlyList<string> Tiers,
        [property: Description("Whether there can be policies for single metrics.")] bool IsByMetric,
        IReadOnlyList<RetentionPolicy> Items
    );
}
