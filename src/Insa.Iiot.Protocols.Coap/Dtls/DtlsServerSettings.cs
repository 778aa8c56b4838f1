using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>What a <see cref="DtlsServer"/> accepts, and its limits.</summary>
internal sealed class DtlsServerSettings
{
    /// <summary>Says which device a proved key or certificate is of.</summary>
    public required IDeviceAuthenticator Authenticator { get; init; }

    /// <summary>Where keys are found; <see langword="null"/> to offer no pre-shared keys.</summary>
    public IDevicePskStore? Keys { get; init; }

    /// <summary>The server's certificate with its private key, ECDSA or RSA; <see langword="null"/> to offer no certificates.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>The certificates between <see cref="Certificate"/> and a root that the devices know.</summary>
    public X509Certificate2Collection CertificateChain { get; init; } = [];

    /// <summary>How many handshakes may be under way at once; each has a thread of its own as long.</summary>
    public int MaxHandshakes { get; init; } = 128;

    /// <summary>How many of them may compute at once: the others wait for their client, or their turn.</summary>
    public int HandshakeWorkers { get; init; } = Math.Clamp(Environment.ProcessorCount / 2, 1, 4);

    /// <summary>How long a handshake may take.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a handshake may wait for its client when others want its place.</summary>
    public TimeSpan HandshakePatience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How many new clients a second are looked at: a flood above that is dropped unread.</summary>
    public int MaxHellosPerSecond { get; init; } = 10_000;

    public int MaxSessions { get; init; } = 20_000;

    /// <summary>How long a session is kept that says nothing: more than a day, after which an observer is asked (RFC 7641 §4.5).</summary>
    public TimeSpan SessionIdleTimeout { get; init; } = TimeSpan.FromHours(25);

    /// <summary>How long a session must have said nothing to give way to a new one when all are taken.</summary>
    public TimeSpan SessionEvictableAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The socket's own address: an empty datagram to it wakes its thread when a finished handshake left something to do.</summary>
    public PeerAddress? WakeAddress { get; init; }

    /// <summary>Counts whom was turned away, by a reason of <see cref="DtlsRefusal"/>; called by any thread.</summary>
    public Action<string> Refused { get; init; } = static _ => { };
}
