namespace Insa.Iiot.Protocols.Coap;

/// <summary>What carries messages.</summary>
public enum CoapTransport
{
    /// <summary>UDP (RFC 7252), plain or with DTLS.</summary>
    Udp = 0,

    /// <summary>TCP (RFC 8323), plain or with TLS.</summary>
    Tcp = 1,
}
