namespace Insa.Iiot;

/// <summary>Says how much one tenant has, for overviews. Thread-safe.</summary>
/// <remarks>
/// Devices are counted exactly. Points are those that are stored, by their own time; a point that was sent in two layouts for one instant
/// may count twice, and how a store counts what it keeps in summaries is its own matter. Not a base for invoices.
/// </remarks>
public interface ITelemetryStatistics
{
    /// <summary>The most days that one call counts.</summary>
    public const int MaxDays = 31;

    /// <summary>Counts registered devices.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="seenSince">From when on a device's newest telemetry makes it seen, UTC. What came within the last minute may not show yet.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    ValueTask<DeviceCounts> CountDevicesAsync(TenantId tenant, DateTime seenSince, CancellationToken cancellationToken = default);

    /// <summary>Counts points per day, UTC, by ascending day; days without any are left out.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="firstDay">The first day.</param>
    /// <param name="days">How many days; 1 to <see cref="MaxDays"/>.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    ValueTask<IReadOnlyList<DayPointCount>> CountPointsAsync(
        TenantId tenant,
        DateOnly firstDay,
        int days,
        CancellationToken cancellationToken = default
    );

    /// <summary>The devices with most points in some days, UTC, the first first; of as many points, by id (ordinal). Also those that are no longer registered.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="firstDay">The first day.</param>
    /// <param name="days">How many days; 1 to <see cref="MaxDays"/>.</param>
    /// <param name="limit">The most devices.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    ValueTask<IReadOnlyList<DevicePointCount>> ListBusiestAsync(
        TenantId tenant,
        DateOnly firstDay,
        int days,
        int limit,
        CancellationToken cancellationToken = default
    );
}
