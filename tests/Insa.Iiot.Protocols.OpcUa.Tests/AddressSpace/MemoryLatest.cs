namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

/// <summary>The newest points of devices in memory.</summary>
internal sealed class MemoryLatest : ITelemetryReader
{
    private readonly Dictionary<(TenantId, DeviceId), SortedDictionary<string, TelemetryPoint>> _points = [];

    /// <summary>Thrown instead of an answer, if there is one.</summary>
    public Exception? Failure { get; set; }

    public void Add(TenantId tenant, DeviceId device, TelemetryPoint point)
    {
        if (!_points.TryGetValue((tenant, device), out var points))
            _points.Add((tenant, device), points = new(StringComparer.Ordinal));
        points[point.Metric] = point;
    }

    public ValueTask<IReadOnlyList<TelemetryPoint>> ReadLatestAsync(
        TenantId tenant,
        DeviceId device,
        CancellationToken cancellationToken = default
    ) => Failure is null ? new(_points.TryGetValue((tenant, device), out var points) ? [.. points.Values] : []) : throw Failure;

    public IAsyncEnumerable<TelemetryPoint> ReadAsync(
        TenantId tenant,
        TelemetryQuery query,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<TelemetryBucket>> AggregateAsync(
        TenantId tenant,
        TelemetryAggregateQuery query,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();
}
