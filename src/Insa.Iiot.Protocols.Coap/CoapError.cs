namespace Insa.Iiot.Protocols.Coap;

/// <summary>Why an exchange failed. What the server answered, errors too, is a <see cref="CoapResponse"/> and no failure.</summary>
public enum CoapError
{
    /// <summary>No other reason fits.</summary>
    Unknown = 0,

    /// <summary>The server's name is not known, or this machine has no way to it.</summary>
    Unreachable,

    /// <summary>No message of the server came, however often ours was sent (RFC 7252 §4.2).</summary>
    NoAcknowledgement,

    /// <summary>The response did not come within <see cref="CoapClientOptions.RequestTimeout"/>.</summary>
    Timeout,

    /// <summary>The server rejected the message with a Reset (RFC 7252 §4.2).</summary>
    Reset,

    /// <summary>A body exceeds <see cref="CoapClientOptions.MaxBodyBytes"/> or what blocks can carry, or the options exceed a datagram.</summary>
    TooLarge,

    /// <summary>The response breaks the protocol, or holds a critical option that this client does not know.</summary>
    Malformed,

    /// <summary>The resource changed while its blocks were fetched, twice (RFC 7959 §2.4).</summary>
    BodyChanged,

    /// <summary><see cref="CoapClientOptions.MaxPendingRequests"/> requests already wait for their turn.</summary>
    Busy,

    /// <summary>
    /// Of <c>coaps</c> and <c>coaps+tcp</c>: one side did not accept the other's key or certificate. By <c>coaps+tcp</c> a server may say so only once
    /// it is connected: then it is <see cref="ConnectionClosed"/>, with what the server says.
    /// </summary>
    NotAuthenticated,

    /// <summary>Of <c>coap+tcp</c> and <c>coaps+tcp</c>: the connection is over, and with it all that was on its way.</summary>
    ConnectionClosed,
}
