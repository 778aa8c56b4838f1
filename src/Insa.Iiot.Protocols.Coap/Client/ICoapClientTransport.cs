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

    /// <summary>Whether it takes another message. If it does not, <see cref="OnRoom"/> tells when it does again.</summary>
    bool HasRoom => true;

    /// <summary>Starts to receive; called once, before anything is sent.</summary>
    /// <param name="receive">Takes a datagram, whose bytes are the transport's again when it returns. Never called from within <see cref="Send"/>.</param>
    void Start(Action<ReadOnlySpan<byte>> receive);

    /// <summary>Told from within what <see cref="Start"/> was given: the message is malformed, which ends a connection (RFC 8323 §5.6).</summary>
    void Refuse() { }

    /// <summary>Tells, of a reliable transport, that no more can come.</summary>
    /// <param name="closed">Told once, never from within <see cref="Send"/>.</param>
    void OnClosed(Action<CoapException> closed) { }

    /// <summary>Tells that no more responses with a token are awaited.</summary>
    void Forget(Messages.CoapToken token) { }

    /// <summary>Tells that there is room again after there was none.</summary>
    /// <param name="room">Told from a thread that holds no lock of the transport's, never from within <see cref="Send"/> or <see cref="HasRoom"/>.</param>
    void OnRoom(Action room) { }

    /// <summary>Sends a datagram. Thread-safe; never throws for the peer or the network: what is not sent is lost, as datagrams are.</summary>
    void Send(ReadOnlySpan<byte> datagram);
}
