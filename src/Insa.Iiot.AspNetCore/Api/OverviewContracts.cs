using System.ComponentModel;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Usage, statistics and the audit log.</summary>
internal static class OverviewContracts
{
    internal sealed record Limit(
        [property: Description("count, rate or amount")] string Kind,
        [property: Description("What is limited, such as devices.")] string Name,
        long Used,
        [property: Description("null for no limit.")] long? Most,
        [property: Description("null for no limit.")] long? Remaining,
        [property: Description("A month or a window; null for a count.")] string? Period,
        DateTime? ResetsAt,
        [property: Description("When this host last refused something for it.")] DateTime? LastRefusedAt,
        [property: Description("How often this host has refused something for it in this hour.")] long RefusedInHour
    );

    internal sealed record Usage(IReadOnlyList<Limit> Limits);

    internal sealed record UsageHour(
        DateTime Hour,
        long Messages,
        long Points,
        long Bytes,
        long RefusedInactive,
        long RefusedQuota,
        long RefusedRate
    );

    internal sealed record UsageHours(IReadOnlyList<UsageHour> Hours);

    internal sealed record DeviceCount(
        long Enabled,
        long Disabled,
        [property: Description("Devices heard of within the last 15 minutes.")] long Seen
    );

    internal sealed record DayCount(DateOnly Day, long Points);

    internal sealed record BusyDevice(string DeviceId, long Points);

    internal sealed record Statistics(DeviceCount Devices, IReadOnlyList<DayCount> Days, IReadOnlyList<BusyDevice> BusiestDevices);

    internal sealed record AuditEntry(
        long Sequence,
        DateTime Time,
        string? Actor,
        string Action,
        string? Target,
        [property: Description("Why it was refused; null: it was done.")] string? Refusal,
        string? SourceAddress,
        IReadOnlyDictionary<string, string> Details
    );

    internal sealed record AuditProof(
        [property: Description("The entry as it is exported, which the leaf is made of.")] string Entry,
        long Size,
        [property: Description("Hashes in base64 (RFC 9162 §2.1.3).")] IReadOnlyList<string> Path
    );

    internal sealed record AuditCheckpoint(
        [property: Description("Keep it elsewhere: it is what later exports are checked against.")] string Text
    );

    internal sealed record AuditKey(string Id, DateTime CreatedAt, string Pem);

    internal sealed record AuditKeys(IReadOnlyList<AuditKey> Keys);
}
