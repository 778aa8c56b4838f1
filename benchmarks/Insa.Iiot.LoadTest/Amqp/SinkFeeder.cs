using System.Diagnostics;
using Insa.Iiot.LoadTest.Measuring;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>The devices of one tenant: each sends its next frame when its last one is acknowledged.</summary>
internal sealed class SinkFeeder
{
    private readonly ITelemetryIngress _ingress;
    private readonly DeviceSession[] _sessions;
    private readonly SinkMessage[] _messages;
    private readonly Queue<(IngestReceipt Receipt, long Sent)> _waiting = new();
    private readonly double? _framesPerTick;
    private int _next;

    public SinkFeeder(ITelemetryIngress ingress, int tenant, SinkOptions options, long startMilliseconds)
    {
        _ingress = ingress;
        var devices = Math.Max(1, options.Devices / options.Tenants);
        var name = TenantId.Parse($"tenant-{tenant}");
        _sessions = [.. Enumerable.Range(0, devices).Select(device => new DeviceSession(name, DeviceId.Parse($"press-{device}")))];
        _messages = [.. Enumerable.Range(0, devices).Select(device => new SinkMessage(device, options.Points, startMilliseconds))];
        if (options.Rate is { } rate)
            _framesPerTick = rate / (double)options.Points / options.Tenants / Stopwatch.Frequency;
    }

    public LatencyHistogram Latency { get; } = new();

    /// <summary>Frames that were acknowledged.</summary>
    public long Acknowledged { get; private set; }

    /// <summary>Frames that were refused.</summary>
    public long Errors { get; private set; }

    public async Task RunAsync(long start, long end)
    {
        var sent = 0L;
        while (true)
        {
            var now = Stopwatch.GetTimestamp();
            var isOver = now >= end;
            var due = _framesPerTick is { } pace ? (long)((now - start) * pace) : long.MaxValue;
            while (!isOver && _waiting.Count < _sessions.Length && sent < due)
            {
                if (!TrySend())
                    break;
                sent++;
            }

            if (_waiting.Count == 0 && isOver)
                return;
            if (_waiting.Count > 0 && (isOver || _framesPerTick is null || _waiting.Count == _sessions.Length))
                await _waiting.Peek().Receipt.Commit!;
            else
                await Task.Delay(1);
            Settle();
        }
    }

    private bool TrySend()
    {
        var receipt = _ingress.Submit(_sessions[_next], new TelemetryMessage(PayloadFormat.Json, _messages[_next].Next()));
        if (receipt.Status != IngestStatus.Accepted)
        {
            Errors++;
            return false;
        }

        _waiting.Enqueue((receipt, Stopwatch.GetTimestamp()));
        _next = (_next + 1) % _sessions.Length;
        return true;
    }

    // One tenant's frames are acknowledged in their order.
    private void Settle()
    {
        var now = Stopwatch.GetTimestamp();
        while (_waiting.TryPeek(out var oldest) && oldest.Receipt.Commit!.IsCompleted)
        {
            _waiting.Dequeue();
            if (oldest.Receipt.Settle(oldest.Receipt.Commit.Result) == IngestReason.None)
                Acknowledged++;
            else
                Errors++;
            Latency.Record(now - oldest.Sent);
        }
    }
}
