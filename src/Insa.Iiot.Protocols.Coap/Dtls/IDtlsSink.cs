namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>Takes what sessions receive, on the socket's own thread.</summary>
internal interface IDtlsSink
{
    /// <summary>Takes a message; its bytes are the server's again when this returns.</summary>
    void Receive(DtlsSession session, ReadOnlySpan<byte> plaintext);

    /// <summary>The session has ended, once: by its peer, by <see cref="DtlsSession.Close"/>, by a new one in its place, or for want of use.</summary>
    void Closed(DtlsSession session);

    /// <summary>The session's peer has another address now, which nobody has shown to be its own yet (RFC 9146 §6).</summary>
    void Moved(DtlsSession session) { }
}
