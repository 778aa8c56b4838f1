namespace Insa.Iiot;

/// <summary>Sees what has been committed: alerts, live views. Off the acknowledgement path: it can neither slow nor fail ingestion.</summary>
public interface ITelemetryObserver
{
    /// <summary>Called after a commit, batch by batch. An observer that falls behind misses batches, which is counted.</summary>
    ValueTask OnCommittedAsync(TelemetryBatch batch, CancellationToken cancellationToken);
}
