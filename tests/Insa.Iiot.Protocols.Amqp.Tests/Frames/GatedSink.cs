namespace Insa.Iiot.Protocols.Amqp.Tests.Frames;

/// <summary>A store's sink whose writes can be held before they are done, and after they are done and before anybody knows.</summary>
internal sealed class GatedSink(ITelemetrySink inner, FrameGate gate) : ITelemetrySink
{
    public int MaxConcurrentWrites => inner.MaxConcurrentWrites;

    public async Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        await gate.PassBeforeAsync(cancellationToken);
        if (gate.Refused is { } refused)
        {
            foreach (var chunk in batch.Chunks.Where(chunk => chunk.Tenant == refused))
            {
                for (var i = 0; i < chunk.FrameCount; i++)
                    chunk.Reject(i, IngestReason.Unstorable);
            }
        }

        await inner.WriteAsync(batch, cancellationToken);
        await gate.PassAfterAsync(cancellationToken);
    }
}
