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
        long RefusedRate,
        [property: Description("Byte-days of stored telemetry: in the hour in which the day was measured.")] long StorageDays
    );

    internal sealed record UsageHours(IReadOnlyList<UsageHour> Hours);

    internal sealed record DeviceCount(
        long Enabled,
        long Disabled,
        [property: Description("Devices heard of within the last 15 minutes.")] long Seen
    );

    internal sealed record DayCount(DateOnly Day, long Points);

    internal sealed record BusyDevice(string DeviceId, long Points);

    internal sealed record LimitRefusals(
        [property: Description("What is limited, such as messages or points-per-month.")] string Name,
        DateTime LastRefusedAt,
        [property: Description("In this hour.")] long InHour
    );

    internal sealed record Refusals(
        [property: Description("Messages, while the tenant was not active.")] long Inactive,
        [property: Description("Messages, because an amount was used up.")] long Quota,
        [property: Description("Messages, because they came too fast.")] long Rate,
        [property: Description("Which limits this host has refused messages for, since it started.")] IReadOnlyList<LimitRefusals> ByLimit
    );

    internal sealed record Statistics(
        DeviceCount Devices,
        IReadOnlyList<DayCount> Days,
        IReadOnlyList<BusyDevice> BusiestDevices,
        [property: Description("What telemetry took when it was last measured, which is once a day; null if it was not.")]
            long? StorageBytes,
        DateTime? StorageMeasuredAt,
        [property: Description("Messages refused on these days, over all hosts; the last minutes may be missing.")] Refusals Refusals
    );

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
