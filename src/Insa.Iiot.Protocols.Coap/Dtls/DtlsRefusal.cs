namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>Why a client was turned away, as a metric's tag says it.</summary>
internal static class DtlsRefusal
{
    /// <summary>More new clients a second than are looked at.</summary>
    public const string HelloRate = "hello_rate";

    /// <summary>All places for handshakes are taken.</summary>
    public const string HandshakesFull = "handshakes_full";

    /// <summary>All sessions are in use.</summary>
    public const string SessionsFull = "sessions_full";

    /// <summary>The handshake did not end in time, or gave way to others.</summary>
    public const string HandshakeTimeout = "handshake_timeout";

    /// <summary>The handshake failed: no common suite, a wrong message.</summary>
    public const string HandshakeFailed = "handshake_failed";

    /// <summary>A wrong key or an unknown identity: not told apart here either.</summary>
    public const string WrongKey = "wrong_key";

    /// <summary>The key or certificate is proved, but of no device.</summary>
    public const string NotAuthenticated = "not_authenticated";

    /// <summary>The store of credentials cannot be asked.</summary>
    public const string StoreUnavailable = "store_unavailable";
}
