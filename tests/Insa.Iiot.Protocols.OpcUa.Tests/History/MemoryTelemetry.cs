using System.Runtime.CompilerServices;

namespace Insa.Iiot.Protocols.OpcUa.Tests.History;

/// <summary>A store of one device in memory, which counts what is read of it.</summary>
internal sealed class MemoryTelemetry : ITelemetryReader
{
    private readonly SortedDictionary<(long Ticks, string Metric), TelemetryPoint> _points = [];

    public TenantId Tenant { get; } = TenantId.Parse("acme");

    public DeviceId Device { get; } = DeviceId.Parse("press-1");

    /// <summary>How many points were handed out.</summary>
    public long Read { get; private set; }

    /// <summary>Awaited before each read, if there is one.</summary>
    public Func<CancellationToken, Task>? Before { get; set; }

    public void Add(DateTime time, double value, TelemetryQuality quality = TelemetryQuality.Good, string metric = "level") =>
        Add(new TelemetryPoint(metric, time, TelemetryValue.Of(value), quality));

    public void Add(TelemetryPoint point) => _points[(point.Timestamp.Ticks, point.Metric)] = point;

    public async IAsyncEnumerable<TelemetryPoint> ReadAsync(
        TenantId tenant,
        TelemetryQuery query,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        if (Before is not null)
            await Before(cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        if (tenant != Tenant || query.Device != Device)
            yield break;
        var left = query.Limit;
        foreach (var point in _points.Values)
        {
            if (point.Timestamp < query.From || point.Timestamp >= query.To || !query.Metrics.Contains(point.Metric))
                continue;
            if (left-- == 0)
                yield break;
            Read++;
            yield return point;
        }
    }

    public ValueTask<IReadOnlyList<TelemetryPoint>> ReadLatestAsync(
        TenantId tenant,
        DeviceId device,
        CancellationToken cancellationToken = default
    ) =>
        ValueTask.FromResult<IReadOnlyList<TelemetryPoint>>(
            tenant == Tenant && device == Device ? [.. _points.Values.GroupBy(p => p.Metric).Select(g => g.Last())] : []
        );

    public ValueTask<IReadOnlyList<TelemetryBucket>> AggregateAsync(
        TenantId tenant,
        TelemetryAggregateQuery query,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();
}
