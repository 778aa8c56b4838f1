using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Client;

/// <summary>A clock that moves when somebody waits for just that long.</summary>
internal sealed class StepTime : TimeProvider
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly Lock _lock = new();
    private readonly List<TimeSpan> _asked = [];

    public override DateTimeOffset GetUtcNow() => _time.GetUtcNow();

    public override long GetTimestamp() => _time.GetTimestamp();

    public override long TimestampFrequency => _time.TimestampFrequency;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = _time.CreateTimer(callback, state, dueTime, period);
        lock (_lock)
            _asked.Add(dueTime);
        return timer;
    }

    /// <summary>Waits until somebody waits for so long, and lets that time pass.</summary>
    public async Task AdvanceWhenAskedAsync(TimeSpan time)
    {
        var deadline = Stopwatch.StartNew();
        while (!take())
        {
            Assert.True(deadline.Elapsed < TimeSpan.FromSeconds(30), $"Nobody waits for {time}.");
            await Task.Yield();
        }

        _time.Advance(time);

        bool take()
        {
            lock (_lock)
                return _asked.Remove(time);
        }
    }
}
