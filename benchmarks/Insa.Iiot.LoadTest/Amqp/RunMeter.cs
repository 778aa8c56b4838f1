using System.Diagnostics;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>What a process spends from its first message to its last.</summary>
internal sealed class RunMeter(int count)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _begun;
    private int _taken;
    private (long Time, TimeSpan Cpu, long Allocated, int Collections) _before;
    private (long Time, TimeSpan Cpu, long Allocated, int Collections) _after;

    public Task Done => _done.Task;

    public void Begin()
    {
        if (Volatile.Read(ref _begun) == 0 && Interlocked.Exchange(ref _begun, 1) == 0)
            _before = Now();
    }

    public void Took(int messages)
    {
        if (Interlocked.Add(ref _taken, messages) < count || _done.Task.IsCompleted)
            return;
        _after = Now();
        _done.TrySetResult();
    }

    public ConsumeResult Result(string side, double p99) =>
        new(
            side,
            count / Stopwatch.GetElapsedTime(_before.Time, _after.Time).TotalSeconds,
            (_after.Cpu - _before.Cpu).TotalMicroseconds / count,
            (double)(_after.Allocated - _before.Allocated) / count,
            p99,
            _after.Collections - _before.Collections
        );

    private static (long, TimeSpan, long, int) Now() =>
        (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(precise: false), GC.CollectionCount(0));
}
