namespace Insa.Iiot;

/// <summary>Reads many series or devices of one tenant at once. Thread-safe.</summary>
public interface ITelemetrySeriesReader
{
    /// <summary>
    /// What the points of each bucket come to, series by series in the order given, each by ascending time; empty buckets are left out. Numbers
    /// and booleans (1 or 0) count; bad quality, text and JSON do not. With bounded memory.
    /// </summary>
    IAsyncEnumerable<TelemetrySeriesBucket> AggregateAsync(
        TenantId tenant,
        TelemetrySeriesQuery query,
        CancellationToken cancellationToken = default
    );

    /// <summary>The newest point of each metric of some devices, device by device in the order given, each by metric (ordinal).</summary>
    IAsyncEnumerable<TelemetryDevicePoint> ReadLatestAsync(
        TenantId tenant,
        IReadOnlyList<DeviceId> devices,
        CancellationToken cancellationToken = default
    );
}
