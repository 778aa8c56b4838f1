using System.Diagnostics;

namespace Insa.Iiot.LoadTest.Read;

/// <summary>Writes the newest readings of many devices at a fixed rate, ten batches a second, and remembers how long each write took.</summary>
internal sealed class SteadyWriter : IAsyncDisposable
{
    private const int BatchesPerSecond = 10;
    private const int PointsPerFrame = 10;

    private readonly CancellationTokenSource _stop = new();
    private readonly List<TimeSpan> _took = [];
    private readonly Task _running;

    public SteadyWriter(ITelemetrySink sink, HistorySource source, int pointsPerSecond) =>
        _running = Task.Run(() => RunAsync(sink, source, pointsPerSecond / PointsPerFrame / BatchesPerSecond));

    /// <summary>The longest write since this was asked the last time; a write that is under way counts when it ends.</summary>
    public TimeSpan TakeLongest()
    {
        lock (_took)
        {
            var longest = _took.Count == 0 ? TimeSpan.Zero : _took.Max();
            _took.Clear();
            return longest;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync(ITelemetrySink sink, HistorySource source, int frames)
    {
        if (frames == 0)
            return;
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / BatchesPerSecond));
        var next = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                var began = Stopwatch.GetTimestamp();
                await source.WriteNowAsync(sink, next, frames, TimeProvider.System.GetUtcNow().UtcDateTime);
                lock (_took)
                    _took.Add(Stopwatch.GetElapsedTime(began));
                next = (next + frames) % source.Devices.Length;
            }
        }
        catch (OperationCanceledException)
        {
            // That is the end.
        }
    }
}
