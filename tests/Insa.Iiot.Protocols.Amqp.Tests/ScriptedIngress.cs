namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>A pipeline that answers as it is told, and else takes all.</summary>
internal sealed class ScriptedIngress : ITelemetryIngress
{
    public IngestReceipt? Always { get; set; }

    public bool Throws { get; set; }

    public IngestReceipt Submit(DeviceSession session, in TelemetryMessage message)
    {
        if (Throws)
            throw new InvalidOperationException("It breaks.");
        return Always ?? IngestReceipt.Accepted(Task.FromResult(CommitResult.Committed), 0, 1);
    }

    public ValueTask WaitForCapacityAsync(DeviceSession session, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

    public PayloadFormat? FindFormat(ReadOnlySpan<byte> mediaType) => null;
}
