namespace Insa.Iiot.Protocols.Mqtt.Messaging;

/// <summary>Where the broker's packets for a client leave.</summary>
internal interface IBrokerOutput
{
    /// <summary>Sends a whole packet.</summary>
    ValueTask SendAsync(ReadOnlyMemory<byte> packet, CancellationToken cancellationToken);

    /// <summary>Ends the connection at the broker's wish.</summary>
    void Disconnect();
}
