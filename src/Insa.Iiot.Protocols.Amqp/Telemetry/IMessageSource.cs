namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>Knows whose a queue's messages are. Thread-safe.</summary>
internal interface IMessageSource
{
    /// <summary>Makes a reader for a channel.</summary>
    IMessageReader OpenReader();

    /// <summary>Reads a sender of which nothing is known yet.</summary>
    /// <returns><see langword="null"/> if there is no such sender.</returns>
    /// <exception cref="TelemetryStoreException">It cannot be read now.</exception>
    ValueTask<DeviceSession?> ReadSenderAsync(string name, CancellationToken cancellationToken);
}
