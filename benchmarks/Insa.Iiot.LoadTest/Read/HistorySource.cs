using System.Text;

namespace Insa.Iiot.LoadTest.Read;

/// <summary>Frames of one tenant's devices at a steady period, for a sink: 10 metrics, the first 4 with two decimals, a counter, a switch, a constant, 3 of all digits.</summary>
internal sealed class HistorySource : IDisposable
{
    private const int Metrics = 10;
    private const int FramesPerBatch = 10_000;

    private readonly byte[][] _metrics = [.. Enumerable.Range(0, Metrics).Select(i => Encoding.UTF8.GetBytes(MetricName(i)))];
    private readonly TelemetryFrameWriter _writer = new(new TelemetryLimits { MaxAge = TimeSpan.FromDays(400) });
    private readonly DeviceSession[] _sessions;
    private readonly double[][] _values;
    private readonly Random _random = new(1);
    private readonly TelemetryChunk _chunk = new(FramesPerBatch);
    private readonly TenantId _tenant;

    /// <param name="tenant">The tenant.</param>
    /// <param name="prefix">What the devices' names begin with.</param>
    /// <param name="devices">How many there are.</param>
    public HistorySource(TenantId tenant, string prefix, int devices)
    {
        _tenant = tenant;
        Devices = [.. Enumerable.Range(0, devices).Select(i => DeviceId.Parse($"{prefix}-{i}"))];
        _sessions = [.. Devices.Select(device => new DeviceSession(tenant, device))];
        _values = [.. Devices.Select(_ => new double[Metrics])];
    }

    public DeviceId[] Devices { get; }

    public static string MetricName(int metric) => $"metric-{metric}";

    /// <summary>Writes all devices' frames of a range.</summary>
    /// <returns>How many points.</returns>
    public async Task<long> WriteAsync(ITelemetrySink sink, DateTime from, DateTime to, TimeSpan period)
    {
        var points = 0L;
        foreach (var batch in Build(from, to, period))
        {
            await sink.WriteAsync(batch, CancellationToken.None);
            points += batch.ValueCount;
        }

        return points;
    }

    /// <summary>Writes one frame of each of some devices, measured now.</summary>
    public async Task WriteNowAsync(ITelemetrySink sink, int first, int count, DateTime now)
    {
        Begin();
        for (var i = 0; i < count; i++)
            Append((first + i) % Devices.Length, now);
        await sink.WriteAsync(Whole(), CancellationToken.None);
    }

    public void Dispose() => _chunk.Dispose();

    private IEnumerable<TelemetryBatch> Build(DateTime from, DateTime to, TimeSpan period)
    {
        Begin();
        for (var at = from; at < to; at += period)
        {
            for (var device = 0; device < Devices.Length; device++)
            {
                // Clocks are not all alike.
                Append(device, at.AddMilliseconds(_random.Next(0, 5)));
                if (_chunk.FrameCount < FramesPerBatch)
                    continue;
                yield return Whole();
                Begin();
            }
        }

        if (_chunk.FrameCount > 0)
            yield return Whole();
    }

    private void Begin() => _chunk.Reset(_tenant);

    private TelemetryBatch Whole()
    {
        var batch = new TelemetryBatch();
        batch.Add(_chunk);
        return batch;
    }

    private void Append(int device, DateTime at)
    {
        var values = _values[device];
        for (var i = 0; i < 4; i++)
            values[i] = Math.Round(values[i] + _random.NextDouble() - 0.5, 2);
        values[4] += _random.Next(0, 20);
        values[5] = _random.NextDouble() < 0.02 ? 1 - values[5] : values[5];
        values[6] = 50;
        for (var i = 7; i < Metrics; i++)
            values[i] = _random.NextDouble() * 100;

        _writer.BeginMessage(_chunk, _sessions[device], Devices[device], at.Ticks);
        var reason = _writer.SetTimestamp(at.Ticks);
        for (var metric = 0; metric < Metrics && reason == IngestReason.None; metric++)
            reason = _writer.AddDouble(_metrics[metric], values[metric]);
        if (reason == IngestReason.None)
            reason = _writer.EndFrame();
        if (reason != IngestReason.None)
            throw new InvalidOperationException($"The generator made a message that is refused: {reason}.");
        _writer.CommitMessage();
    }
}
