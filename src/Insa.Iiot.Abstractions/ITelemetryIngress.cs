namespace Insa.Iiot;

/// <summary>The way in for every protocol adapter. Implemented by Insa.Iiot.Ingestion. Thread-safe.</summary>
public interface ITelemetryIngress
{
    /// <summary>Admits and decodes one message in place. Never blocks, never throws for what the message holds, allocates nothing when it is accepted.</summary>
    /// <returns>What was done with it, and the commit to acknowledge it by.</returns>
    IngestReceipt Submit(DeviceSession session, in TelemetryMessage message);

    /// <summary>Completes when the session's tenant has room again after <see cref="IngestStatus.Busy"/>.</summary>
    ValueTask WaitForCapacityAsync(DeviceSession session, CancellationToken cancellationToken = default);

    /// <summary>Finds the format a media type names; parameters behind <c>;</c> are ignored and case does not matter.</summary>
    /// <returns><see langword="null"/> if no decoder knows it.</returns>
    PayloadFormat? FindFormat(ReadOnlySpan<byte> mediaType);
}
