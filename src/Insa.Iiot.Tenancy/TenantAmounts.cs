namespace Insa.Iiot.Tenancy;

/// <summary>What is metered in a period, a calendar month in UTC, and may be limited by that name in <see cref="TenantPlan.Limits"/>.</summary>
public static class TenantAmounts
{
    /// <summary>Committed points in a month.</summary>
    public const string PointsPerMonth = "points-per-month";

    /// <summary>Bytes of admitted payloads in a month.</summary>
    public const string BytesPerMonth = "bytes-per-month";

    internal static bool IsAmount(string name) => name is PointsPerMonth or BytesPerMonth;
}
