using System.Diagnostics;
using Insa.Iiot.LoadTest.Measuring;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>Counts what the sink behind it has committed, or what it takes if there is none.</summary>
internal sealed class MeteredSink(RunMeter meter) : ITelemetrySink
{
    private readonly LatencyHistogram _latency = new();
    private readonly Lock _sync = new();

    public ITelemetrySink? Inner { get; set; }

    public int MaxConcurrentWrites => Inner?.MaxConcurrentWrites ?? 1;

    public double P99Milliseconds => _latency.Quantile(0.99) * 1000.0 / Stopwatch.Frequency;

    public async Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        meter.Begin();
        var began = Stopwatch.GetTimestamp();
        if (Inner is not null)
            await Inner.WriteAsync(batch, cancellationToken);
        var frames = 0;
        foreach (var chunk in batch.Chunks)
            frames += chunk.FrameCount;
        lock (_sync)
            _latency.Record(Stopwatch.GetTimestamp() - began);
        meter.Took(frames);
    }
}
