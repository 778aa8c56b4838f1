namespace Insa.Iiot;

/// <summary>Where committed telemetry goes: a store, or a durable queue before one.</summary>
public interface ITelemetrySink
{
    /// <summary>How many writes it takes at once; at least 1.</summary>
    int MaxConcurrentWrites { get; }

    /// <summary>
    /// Writes a batch. When it returns, every frame is durable and visible to readers, but for those it marked with
    /// <see cref="TelemetryChunk.Reject"/>. Idempotent: a frame that comes again makes no second row, and the value written last for a
    /// (device, metric, timestamp) is the one readers see.
    /// </summary>
    /// <exception cref="TelemetryStoreException">
    /// Nothing, or an unknown part, was written. If transient, the same batch comes again; if not, its chunks come again one by one.
    /// </exception>
    Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken);
}
