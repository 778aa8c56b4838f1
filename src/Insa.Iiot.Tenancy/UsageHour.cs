namespace Insa.Iiot.Tenancy;

/// <summary>What a tenant used in one hour, over all hosts.</summary>
/// <param name="Hour">When the hour began, UTC.</param>
/// <param name="Messages">Messages that were admitted; that they could be decoded is not said.</param>
/// <param name="Points">Points that were committed.</param>
/// <param name="Bytes">Bytes of the admitted payloads.</param>
/// <param name="RefusedInactive">Messages refused because the tenant was not active.</param>
/// <param name="RefusedQuota">Messages refused because an amount was used up.</param>
/// <param name="RefusedRate">Messages refused because they came too fast.</param>
public sealed record UsageHour(
    DateTime Hour,
    long Messages,
    long Points,
    long Bytes,
    long RefusedInactive,
    long RefusedQuota,
    long RefusedRate
)
{
    /// <summary>
    /// Byte-days of stored telemetry (<see cref="TenantAmounts.StorageDays"/>): in one hour of each day, that in which the day was measured.
    /// </summary>
    public long StorageDays { get; init; }
}
