namespace Insa.Iiot.Protocols.Coap.Messages;

/// <summary>How a datagram is to be answered (RFC 7252 §3).</summary>
internal enum CoapType : byte
{
    /// <summary>CON: sent again until it is acknowledged.</summary>
    Confirmable = 0,

    /// <summary>NON: sent once.</summary>
    NonConfirmable = 1,

    /// <summary>ACK.</summary>
    Acknowledgement = 2,

    /// <summary>RST: the peer cannot make anything of what it got.</summary>
    Reset = 3,
}
