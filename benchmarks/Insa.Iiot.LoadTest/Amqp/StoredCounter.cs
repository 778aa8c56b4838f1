namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>Counts what is stored; as a sink, it is all that is done with it.</summary>
internal sealed class StoredCounter : ITelemetrySink, ITelemetryObserver
{
    private long _points;

    public long Points => Interlocked.Read(ref _points);

    public int MaxConcurrentWrites => 1;

    public Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        Interlocked.Add(ref _points, batch.ValueCount);
        return Task.CompletedTask;
    }

    public ValueTask OnCommittedAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        Interlocked.Add(ref _points, batch.ValueCount);
        return ValueTask.CompletedTask;
    }
}
