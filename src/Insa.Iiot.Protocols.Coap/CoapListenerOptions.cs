using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.Coap;

/// <summary>One address the server listens on.</summary>
public sealed class CoapListenerOptions
{
    /// <summary>The port of plain CoAP (RFC 7252 §12.6).</summary>
    public const int DefaultPort = 5683;

    /// <summary>The port of CoAP over DTLS, and over TLS.</summary>
    public const int DefaultSecurePort = 5684;

    /// <summary>The address. Default loopback: say <see cref="IPAddress.Any"/> to be reached from elsewhere, and then use DTLS or TLS.</summary>
    public IPAddress Address { get; set; } = IPAddress.Loopback;

    /// <summary>What carries the messages. Default UDP. TCP needs Kestrel in the host.</summary>
    public CoapTransport Transport { get; set; }

    /// <summary>The port. Default 5684, for DTLS and TLS; 0 takes a free one, see <see cref="CoapServerAddresses"/>.</summary>
    public int Port { get; set; } = DefaultSecurePort;

    /// <summary>
    /// Whether it is without DTLS or TLS: all is readable on the way, tokens too. Default <see langword="false"/>. An address other than loopback
    /// also needs <see cref="AllowsPlainBeyondLoopback"/>.
    /// </summary>
    public bool IsPlain { get; set; }

    /// <summary>Whether a plain listener may be reached from other machines. Default <see langword="false"/>.</summary>
    public bool AllowsPlainBeyondLoopback { get; set; }

    /// <summary>
    /// Whether it takes messages protected by OSCORE (RFC 8613) and no others, in place of DTLS. UDP alone. Default <see langword="false"/>. It needs
    /// <see cref="IDevicePskStore"/> and <see cref="IControlStore"/> in the host; the port of such clients is <see cref="DefaultPort"/>.
    /// </summary>
    public bool IsOscore { get; set; }

    /// <summary>The server's certificate with its private key, for devices with certificates. Without it a DTLS listener takes pre-shared keys alone; TLS is not possible.</summary>
    public X509Certificate2? Certificate { get; set; }
}
