namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>What a record was to its session.</summary>
[Flags]
internal enum DtlsReceipt
{
    /// <summary>Nothing: ignored without a word.</summary>
    None = 0,

    /// <summary>Its peer's.</summary>
    Genuine = 1,

    /// <summary>From where its peer was not before.</summary>
    Moved = 2,

    /// <summary>The last one.</summary>
    Closed = 4,
}
