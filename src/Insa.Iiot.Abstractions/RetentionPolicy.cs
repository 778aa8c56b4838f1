namespace Insa.Iiot;

/// <summary>How long a tenant keeps some metrics in one tier.</summary>
/// <param name="Metric">A metric's name, or a pattern: <c>*</c> stands for any text, <c>?</c> for one character. Of those that match the one with most other characters counts.</param>
/// <param name="Tier">The tier.</param>
/// <param name="Keep">How long, from a point's own time; more than zero. Stores keep it to the microsecond.</param>
public sealed record RetentionPolicy(string Metric, RetentionTier Tier, TimeSpan Keep)
{
    /// <summary>The pattern of all metrics.</summary>
    public const string AllMetrics = "*";
}
