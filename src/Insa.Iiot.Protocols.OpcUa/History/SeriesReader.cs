using System.Runtime.CompilerServices;
using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>
/// Reads one series of the store, forwards and backwards. The store streams forwards; to go backwards, stretches before the time are read, each
/// some times as long as the one before, and of each only its end is kept.
/// </summary>
internal sealed class SeriesReader(ITelemetryReader reader, TenantId tenant, HistoryNode node, HistoryLimits limits)
{
    private const int StretchGrowth = 4;
    private static readonly long FirstStretch = TimeSpan.TicksPerSecond;
    private static readonly long Earliest = DateTime.UnixEpoch.Ticks;

    private TelemetryPoint? _newest;

    /// <summary>Whether there is any value.</summary>
    public bool HasValues => _newest is not null;

    /// <summary>The newest value's time, in ticks.</summary>
    public long NewestTicks => _newest?.Timestamp.Ticks ?? long.MinValue;

    /// <summary>Whether values hold until the next one: states and texts do, numbers lead to each other.</summary>
    public bool IsStepped => _newest is { Value.IsNumber: false };

    /// <summary>Looks for the newest value: nothing has to be looked for behind it.</summary>
    public async ValueTask OpenAsync(CancellationToken cancellationToken)
    {
        var latest = await reader.ReadLatestAsync(tenant, node.Device, cancellationToken).ConfigureAwait(false);
        foreach (var point in latest)
        {
            if (string.Equals(point.Metric, node.Metric, StringComparison.Ordinal))
                _newest = point;
        }
    }

    /// <summary>Streams the values in <c>[from, to)</c>, oldest first.</summary>
    public async IAsyncEnumerable<HistorySample> ForwardAsync(
        long from,
        long to,
        int limit,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        from = Math.Max(from, Earliest);
        if (from >= to || from > NewestTicks || limit <= 0)
            yield break;
        var query = new TelemetryQuery
        {
            Device = node.Device,
            Metrics = [node.Metric],
            From = new DateTime(from, DateTimeKind.Utc),
            To = new DateTime(Math.Min(to, DateTime.MaxValue.Ticks), DateTimeKind.Utc),
            Limit = limit,
        };
        await foreach (var point in reader.ReadAsync(tenant, query, cancellationToken).ConfigureAwait(false))
            yield return Sample(point);
    }

    /// <summary>The last values in <c>[from, to)</c>, newest first.</summary>
    public async ValueTask<List<HistorySample>> BackwardAsync(long from, long to, int limit, CancellationToken cancellationToken)
    {
        var found = new List<HistorySample>();
        var ring = new Queue<HistorySample>();
        foreach (var (low, high) in Stretches(from, to))
        {
            ring.Clear();
            await foreach (var sample in ForwardAsync(low, high, int.MaxValue, cancellationToken).ConfigureAwait(false))
            {
                ring.Enqueue(sample);
                if (ring.Count + found.Count > limit)
                    ring.Dequeue();
            }

            found.AddRange(ring.Reverse());
            if (found.Count >= limit)
                break;
        }

        return found;
    }

    /// <summary>What bounds a time from before: the last value, and so many that are not bad, as far as they are not too far away.</summary>
    public async ValueTask<BoundingSamples> BoundAsync(long before, int goodCount, bool uncertainIsBad, CancellationToken cancellationToken)
    {
        var bounds = new BoundingSamples(uncertainIsBad);
        foreach (var (low, high) in Stretches(before - limits.MaxBoundDistance.Ticks, before))
        {
            var earlier = new BoundingSamples(uncertainIsBad);
            await foreach (var sample in ForwardAsync(low, high, int.MaxValue, cancellationToken).ConfigureAwait(false))
                earlier.Add(sample);
            bounds.Prepend(earlier);
            if (bounds.Last is not null && bounds.GoodCount >= goodCount)
                break;
        }

        return bounds;
    }

    /// <summary>The first value at a time or behind it, if it is not too far away.</summary>
    public async ValueTask<HistorySample?> NextAsync(long from, CancellationToken cancellationToken)
    {
        await foreach (var sample in ForwardAsync(from, from + limits.MaxBoundDistance.Ticks, 1, cancellationToken).ConfigureAwait(false))
            return sample;
        return null;
    }

    private IEnumerable<(long Low, long High)> Stretches(long from, long to)
    {
        from = Math.Max(from, Earliest);
        to = Math.Min(to, NewestTicks == long.MinValue ? from : NewestTicks + 1);
        for (var width = FirstStretch; to > from; width *= StretchGrowth)
        {
            var low = to - from > width ? to - width : from;
            yield return (low, to);
            to = low;
        }
    }

    private static HistorySample Sample(in TelemetryPoint point)
    {
        var status = TelemetryStatus.Of(point.Quality);
        if (point.Value.Kind is TelemetryValueKind.Text or TelemetryValueKind.Json)
            return new(point.Timestamp.Ticks, double.NaN, status, point.Value);
        return new(point.Timestamp.Ticks, point.Value.AsDouble(), status, point.Value);
    }
}
