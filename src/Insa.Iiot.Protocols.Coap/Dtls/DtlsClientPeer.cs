using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto;
using CertificateRequest = Org.BouncyCastle.Tls.CertificateRequest;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>The client's side of a handshake.</summary>
internal sealed class DtlsClientPeer(TlsCrypto crypto, DtlsClientSettings settings, TimeProvider time)
    : AbstractTlsClient(crypto),
        TlsAuthentication
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    /// <summary>What the handshake has agreed upon, when it is done.</summary>
    public DtlsRecords? Records { get; private set; }

    /// <summary>Tells the highest sequence number that the handshake has used for the new keys.</summary>
    public required Func<ulong> LastSequence { get; init; }

    public override int GetHandshakeTimeoutMillis() => (int)settings.HandshakeTimeout.TotalMilliseconds;

    // Servers for small devices do not say that they renegotiate securely; nobody renegotiates here at all.
    public override void NotifySecureRenegotiation(bool secureRenegotiation) { }

    public override TlsPskIdentity? GetPskIdentity() =>
        settings.Psk is { } psk ? new BasicTlsPskIdentity(Encoding.UTF8.GetBytes(psk.Identity), psk.Key.ToArray()) : null;

    public override TlsAuthentication GetAuthentication() => this;

    public override void NotifyHandshakeComplete() => Records = DtlsRecords.From(m_context, LastSequence());

    void TlsAuthentication.NotifyServerCertificate(TlsServerCertificate serverCertificate)
    {
        if (settings.UsesRawPublicKeys)
        {
            if (
                serverCertificate.Certificate is not { IsEmpty: false, CertificateType: CertificateType.RawPublicKey } key
                || !IsPinned(key.GetCertificateAt(0).GetEncoded())
            )
                throw new TlsFatalAlert(AlertDescription.bad_certificate);
            return;
        }

        var chain = new X509Certificate2Collection();
        if (serverCertificate.Certificate is { IsEmpty: false } sent)
        {
            foreach (var certificate in sent.GetCertificateList())
                chain.Add(X509CertificateLoader.LoadCertificate(certificate.GetEncoded()));
        }

        if (chain.Count == 0 || !IsTrusted(chain[0], chain))
            throw new TlsFatalAlert(AlertDescription.bad_certificate);
    }

    TlsCredentials? TlsAuthentication.GetClientCredentials(CertificateRequest certificateRequest) =>
        settings.Certificate is null
            ? null
            : CertificateSigner.Credentials(
                m_context,
                settings.Certificate,
                settings.CertificateChain,
                certificateRequest.SupportedSignatureAlgorithms,
                settings.UsesRawPublicKeys
            );

    protected override short[]? GetAllowedClientCertificateTypes() => settings.UsesRawPublicKeys ? [CertificateType.RawPublicKey] : null;

    protected override short[]? GetAllowedServerCertificateTypes() => settings.UsesRawPublicKeys ? [CertificateType.RawPublicKey] : null;

    protected override ProtocolVersion[] GetSupportedVersions() => ProtocolVersion.DTLSv12.Only();

    protected override int[] GetSupportedCipherSuites() =>
        settings switch
        {
            { CipherSuites: { } chosen } => [.. chosen],
            { Psk: not null } => DtlsSuite.Psk,
            _ => [.. DtlsSuite.Ecdsa, .. DtlsSuite.Rsa],
        };

    // An empty id of our own: we write the server's id, and are found by our socket.
    protected override byte[]? GetNewConnectionID() => settings.UseConnectionId ? [] : null;

    protected override IList<ServerName>? GetSniServerNames() =>
        settings.ServerName is { } name && !System.Net.IPAddress.TryParse(name, out _)
            ? [new ServerName(NameType.host_name, Encoding.ASCII.GetBytes(name))]
            : null;

    private bool IsTrusted(X509Certificate2 certificate, X509Certificate2Collection chain)
    {
        if (settings.ValidateServerCertificate is { } validate)
            return validate(certificate, chain);
        if (!settings.PinnedServerCertificateSha256.IsEmpty)
            return IsPinned(certificate.RawDataMemory.Span);
        if (settings.ServerName is not { } name || !certificate.MatchesHostname(name))
            return false;

        using var building = new X509Chain();
        var policy = building.ChainPolicy;
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.VerificationTime = time.GetUtcNow().UtcDateTime;
        policy.ExtraStore.AddRange(chain);
        policy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        if (settings.TrustedRoots.Count > 0)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(settings.TrustedRoots);
        }

        return building.Build(certificate);
    }

    private bool IsPinned(ReadOnlySpan<byte> encoded) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(encoded), settings.PinnedServerCertificateSha256.Span);
}
