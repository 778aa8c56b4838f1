namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>What came of opening a record.</summary>
internal enum DtlsOpening
{
    /// <summary>It cannot be of this connection, or came before: nothing was spent on it.</summary>
    Ignored,

    /// <summary>Its tag is wrong.</summary>
    Forged,

    /// <summary>It is the peer's.</summary>
    Opened,
}
