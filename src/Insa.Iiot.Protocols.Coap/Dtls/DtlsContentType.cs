namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>What a record holds (RFC 6347 §4.1, RFC 9146 §3).</summary>
internal enum DtlsContentType : byte
{
    ChangeCipherSpec = 20,
    Alert = 21,
    Handshake = 22,
    ApplicationData = 23,

    /// <summary>A sealed record that names its connection; its true type is sealed with it.</summary>
    WithConnectionId = 25,
}
