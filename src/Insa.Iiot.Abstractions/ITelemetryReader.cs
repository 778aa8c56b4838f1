namespace Insa.Iiot;

/// <summary>Reads one tenant's telemetry. One value per (device, metric, timestamp). Thread-safe.</summary>
public interface ITelemetryReader
{
    /// <summary>Streams points by ascending timestamp, then metric (ordinal), with bounded memory.</summary>
    IAsyncEnumerable<TelemetryPoint> ReadAsync(TenantId tenant, TelemetryQuery query, CancellationToken cancellationToken = default);

    /// <summary>The newest point of each metric of a device, by metric (ordinal).</summary>
    ValueTask<IReadOnlyList<TelemetryPoint>> ReadLatestAsync(
        TenantId tenant,
        DeviceId device,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// Count, minimum, maximum, sum and average of one metric per bucket, by ascending time; empty buckets are left out. Numbers and
    /// booleans (1 or 0) count; bad quality, text and JSON do not.
    /// </summary>
    ValueTask<IReadOnlyList<TelemetryBucket>> AggregateAsync(
        TenantId tenant,
        TelemetryAggregateQuery query,
        CancellationToken cancellationToken = default
    );
}
