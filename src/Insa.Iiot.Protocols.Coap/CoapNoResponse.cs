namespace Insa.Iiot.Protocols.Coap;

/// <summary>The responses in which a client has no interest (RFC 7967 §2.1).</summary>
[Flags]
public enum CoapNoResponse
{
    /// <summary>All are welcome: the option is not sent.</summary>
    None = 0,

    /// <summary>2.xx.</summary>
    Success = 2,

    /// <summary>4.xx.</summary>
    ClientError = 8,

    /// <summary>5.xx.</summary>
    ServerError = 16,

    /// <summary>Every response.</summary>
    All = Success | ClientError | ServerError,
}
