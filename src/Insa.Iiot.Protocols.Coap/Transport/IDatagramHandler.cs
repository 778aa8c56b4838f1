namespace Insa.Iiot.Protocols.Coap.Transport;

/// <summary>Takes what a socket receives, on the socket's own thread.</summary>
internal interface IDatagramHandler
{
    /// <summary>Takes a datagram; its bytes are the socket's again when this returns.</summary>
    void Receive(in PeerAddress peer, ReadOnlySpan<byte> datagram);

    /// <summary>Called after each burst of datagrams, and several times a second without any: what is due by time is done now.</summary>
    void Tick();
}
