namespace Insa.Iiot.Tenancy;

/// <summary>What is metered in a period, a calendar month in UTC, and may be limited by that name in <see cref="TenantPlan.Limits"/>.</summary>
public static class TenantAmounts
{
    /// <summary>Committed points in a month.</summary>
    public const string PointsPerMonth = "points-per-month";

    /// <summary>Bytes of admitted payloads in a month.</summary>
    public const string BytesPerMonth = "bytes-per-month";

    /// <summary>
    /// Byte-days in a month: each day's stored telemetry, in bytes, as it was measured on that day. A gigabyte that is kept for a month of 30 days is
    /// 30,000,000,000. Once a limit is reached, messages are refused until the month's end.
    /// </summary>
    public const string StorageDays = "storage-days";

    internal static bool IsAmount(string name) => name is PointsPerMonth or BytesPerMonth or StorageDays;
}
