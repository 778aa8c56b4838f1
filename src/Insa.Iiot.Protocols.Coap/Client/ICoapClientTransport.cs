namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>Carries datagrams to one server and back: what arrives is from that server and no other.</summary>
internal interface ICoapClientTransport : IAsyncDisposable
{
    /// <summary>Whether nothing is lost, doubled or out of order, so that no acknowledgement is sent or waited for (RFC 8323 §3).</summary>
    bool IsReliable => false;

    /// <summary>The longest message, as a datagram, that the server takes.</summary>
    int MaxMessageBytes => Transport.UdpSocket.MaxDatagramBytes;

    /// <summary>Whether the server takes several blocks in one message (RFC 8323 §6).</summary>
    bool TakesSeveralBlocks => false;

    /// <summary>Starts to receive; called once, before anything is sent.</summary>
    /// <param name="receive">Takes a datagram, whose bytes are the transport's again when it returns. Never called from within <see cref="Send"/>.</param>
    void Start(Action<ReadOnlySpan<byte>> receive);

    /// <summary>Tells, of a reliable transport, that no more can come.</summary>
    /// <param name="closed">Told once, never from within <see cref="Send"/>.</param>
    void OnClosed(Action<CoapException> closed) { }

    /// <summary>Sends a datagram. Thread-safe; never throws for the peer or the network: what is not sent is lost, as datagrams are.</summary>
    void Send(ReadOnlySpan<byte> datagram);
}
