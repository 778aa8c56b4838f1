namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>Carries datagrams to one server and back: what arrives is from that server and no other.</summary>
internal interface ICoapClientTransport : IAsyncDisposable
{
    /// <summary>Starts to receive; called once, before anything is sent.</summary>
    /// <param name="receive">Takes a datagram, whose bytes are the transport's again when it returns. Never called from within <see cref="Send"/>.</param>
    void Start(Action<ReadOnlySpan<byte>> receive);

    /// <summary>Sends a datagram. Thread-safe; never throws for the peer or the network: what is not sent is lost, as datagrams are.</summary>
    void Send(ReadOnlySpan<byte> datagram);
}
