namespace Insa.Iiot.Ingestion.Tests;

/// <summary>Records what it is given; can hold its commits, fail them, or refuse single numbers.</summary>
internal sealed class ScriptedSink : ITelemetrySink
{
    private readonly Lock _sync = new();
    private readonly Queue<Exception> _failures = new();
    private TaskCompletionSource _gate = Opened();
    private TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int MaxConcurrentWrites { get; init; } = 1;

    public Func<double, bool> Refuses { get; set; } = _ => false;

    public Func<double, bool> ThrowsOn { get; set; } = _ => false;

    public List<List<(TenantId Tenant, double Value)>> Batches { get; } = [];

    /// <summary>The times of all frames that were written.</summary>
    public List<DateTime> Times { get; } = [];

    /// <summary>When the first frame of each chunk that was written arrived.</summary>
    public List<DateTime> Arrivals { get; } = [];

    /// <summary>How many writes were begun.</summary>
    public int Begun { get; private set; }

    public List<double> ValuesOf(TenantId tenant)
    {
        lock (_sync)
            return [.. Batches.SelectMany(batch => batch).Where(row => row.Tenant == tenant).Select(row => row.Value)];
    }

    public void Hold() => _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release() => _gate.TrySetResult();

    public void FailNext(Exception exception) => _failures.Enqueue(exception);

    /// <summary>Completes when the next write has begun.</summary>
    public Task NextWrite()
    {
        lock (_sync)
            return _written.Task;
    }

    public async Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        lock (_sync)
        {
            Begun++;
            _written.TrySetResult();
            _written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        await _gate.Task.WaitAsync(cancellationToken);
        if (_failures.TryDequeue(out var failure))
            throw failure;

        var rows = new List<(TenantId, double)>();
        var times = new List<DateTime>();
        foreach (var chunk in batch.Chunks)
        {
            for (var i = 0; i < chunk.FrameCount; i++)
            {
                var value = chunk[i].GetValue(0).AsDouble();
                if (ThrowsOn(value))
                    throw new InvalidOperationException("A sink with a bug.");
                if (Refuses(value))
                    chunk.Reject(i, IngestReason.Unstorable);
                else
                {
                    rows.Add((chunk.Tenant, value));
                    times.Add(new DateTime(chunk[i].TimestampTicks, DateTimeKind.Utc));
                }
            }
        }

        lock (_sync)
        {
            Batches.Add(rows);
            Times.AddRange(times);
            Arrivals.AddRange(batch.Chunks.Select(chunk => new DateTime(chunk.ArrivalTicks, DateTimeKind.Utc)));
        }
    }

    private static TaskCompletionSource Opened()
    {
        var opened = new TaskCompletionSource();
        opened.SetResult();
        return opened;
    }
}
