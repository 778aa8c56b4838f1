using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>How a <see cref="DtlsClientTransport"/> shows who it is, and whom it trusts.</summary>
internal sealed class DtlsClientSettings
{
    /// <summary>The identity and key to show; <see langword="null"/> to use certificates.</summary>
    public DevicePsk? Psk { get; init; }

    /// <summary>The client's certificate with its private key, if the server is to see one.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Whether the public keys of certificates are shown and taken alone (RFC 7250); then <see cref="PinnedServerCertificateSha256"/> is over the server's.</summary>
    public bool UsesRawPublicKeys { get; init; }

    /// <summary>The certificates between <see cref="Certificate"/> and a root that the server knows.</summary>
    public X509Certificate2Collection CertificateChain { get; init; } = [];

    /// <summary>The name that the server's certificate must be of, and that is told to the server.</summary>
    public string? ServerName { get; init; }

    /// <summary>SHA-256 over the DER of the server's certificate, if that alone is to be trusted, whatever name and issuer it has.</summary>
    public ReadOnlyMemory<byte> PinnedServerCertificateSha256 { get; init; }

    /// <summary>The roots to trust instead of this machine's.</summary>
    public X509Certificate2Collection TrustedRoots { get; init; } = [];

    /// <summary>Judges the server's certificate, given with those that came with it, instead of all the above.</summary>
    public Func<X509Certificate2, X509Certificate2Collection, bool>? ValidateServerCertificate { get; init; }

    /// <summary>The local address and port to use; <see langword="null"/> for any.</summary>
    public IPEndPoint? LocalEndPoint { get; init; }

    /// <summary>Whether to ask for a connection id, so that the session outlives a change of address.</summary>
    public bool UseConnectionId { get; init; } = true;

    /// <summary>The suites to offer, in this order; <see langword="null"/> for all.</summary>
    public IReadOnlyList<int>? CipherSuites { get; init; }

    /// <summary>How long the handshake may take.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
