using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto;
using CertificateRequest = Org.BouncyCastle.Tls.CertificateRequest;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>The server's side of one handshake, on that handshake's thread.</summary>
internal sealed class DtlsServerPeer : AbstractTlsServer, TlsPskIdentityManager
{
    // Device and tenant id with the sign between them are shorter by far.
    private const int MaxIdentityBytes = 256;
    private const int MaxHandshakeMessageBytes = 8192;
    private const int RandomKeyBytes = 32;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly DtlsServerSettings _settings;
    private readonly HandshakeTransport _transport;
    private readonly CpuGate _gate;
    private readonly byte[] _connectionId;
    private readonly CancellationToken _cancellation;
    private string? _identity;
    private DeviceCredential? _certificate;

    public DtlsServerPeer(
        TlsCrypto crypto,
        DtlsServerSettings settings,
        HandshakeTransport transport,
        CpuGate gate,
        byte[] connectionId,
        CancellationToken cancellationToken
    )
        : base(crypto)
    {
        (_settings, _transport, _gate, _connectionId) = (settings, transport, gate, connectionId);
        _cancellation = cancellationToken;
        transport.BeforeLastFlight = Establish;
    }

    /// <summary>Whose session it is, when the handshake is done.</summary>
    public DeviceSession? Device { get; private set; }

    /// <summary>The session's keys, when the handshake is done.</summary>
    public DtlsRecords? Records { get; private set; }

    /// <summary>Why the handshake was refused, if it was by us.</summary>
    public string? Refusal { get; private set; }

    public override int GetHandshakeTimeoutMillis() => (int)_settings.HandshakeTimeout.TotalMilliseconds;

    public override int GetMaxHandshakeMessageSize() => MaxHandshakeMessageBytes;

    // Clients for small devices do not say that they renegotiate securely; nobody renegotiates here at all.
    public override void NotifySecureRenegotiation(bool secureRenegotiation) { }

    public override TlsPskIdentityManager GetPskIdentityManager() => this;

    public override TlsCredentials? GetCredentials() =>
        m_context.SecurityParameters.KeyExchangeAlgorithm is KeyExchangeAlgorithm.PSK or KeyExchangeAlgorithm.ECDHE_PSK
            ? null
            : CertificateSigner.Credentials(
                m_context,
                _settings.Certificate!,
                _settings.CertificateChain,
                m_context.SecurityParameters.ClientSigAlgs,
                WantsRawKey()
            ) ?? throw new TlsFatalAlert(AlertDescription.handshake_failure);

    public override CertificateRequest GetCertificateRequest() =>
        new(
            [ClientCertificateType.ecdsa_sign, ClientCertificateType.rsa_sign],
            TlsUtilities.GetDefaultSupportedSignatureAlgorithms(m_context),
            null
        );

    // That the client has the key is proved by what it signs next; whose certificate it is, is asked after that.
    public override void NotifyClientCertificate(Certificate clientCertificate)
    {
        if (clientCertificate is null || clientCertificate.IsEmpty)
            throw new TlsFatalAlert(AlertDescription.handshake_failure);
        if (clientCertificate.CertificateType == CertificateType.RawPublicKey)
        {
            _certificate = DeviceCredential.FromCertificate(SHA256.HashData(clientCertificate.GetCertificateAt(0).GetEncoded()));
            return;
        }

        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(clientCertificate.GetCertificateAt(0).GetEncoded());
            _certificate = DeviceCredential.FromClientCertificate(certificate);
        }
        catch (CryptographicException e)
        {
            throw new TlsFatalAlert(AlertDescription.bad_certificate, e);
        }
    }

    byte[]? TlsPskIdentityManager.GetHint() => null;

    /// <summary>Finds the key of an identity; an unknown one gets a random key, and fails like a wrong one.</summary>
    byte[] TlsPskIdentityManager.GetPsk(byte[] identity)
    {
        var key = FindKey(identity);
        _transport.UsesPresharedKey = true;
        return key ?? RandomNumberGenerator.GetBytes(RandomKeyBytes);
    }

    protected override ProtocolVersion[] GetSupportedVersions() => ProtocolVersion.DTLSv12.Only();

    protected override int[] GetSupportedCipherSuites()
    {
        var keys = _settings.Keys is null ? [] : DtlsSuite.Psk;
        if (_settings.Certificate is null)
            return keys;
        return [.. keys, .. IsEcdsa(_settings.Certificate) ? DtlsSuite.Ecdsa : DtlsSuite.Rsa];
    }

    // A client that says nothing of it shows a certificate (RFC 7250 §4.2).
    protected override short[] GetAllowedClientCertificateTypes() => [CertificateType.X509, CertificateType.RawPublicKey];

    protected override byte[] GetNewConnectionID() => _connectionId;

    // The groups that are quick enough to be no weapon, in the client's order.
    protected override int SelectECDH(int minimumCurveBits)
    {
        var offered = m_context.SecurityParameters.ClientSupportedGroups ?? [NamedGroup.secp256r1];
        return
            Array.Find(offered, group => group is NamedGroup.x25519 or NamedGroup.secp256r1 or NamedGroup.secp384r1) is var found
            && found > 0
            ? found
            : throw new TlsFatalAlert(AlertDescription.handshake_failure);
    }

    private static bool IsEcdsa(X509Certificate2 certificate) => certificate.GetKeyAlgorithm() == "1.2.840.10045.2.1";

    // A client's order is its preference. One that shows a raw key itself has no roots to look for a certificate's in, whatever it prefers.
    private bool WantsRawKey()
    {
        var servers = TlsExtensionsUtilities.GetServerCertificateTypeExtensionClient(m_clientExtensions) ?? [];
        var clients = TlsExtensionsUtilities.GetClientCertificateTypeExtensionClient(m_clientExtensions) ?? [];
        return servers.Contains(CertificateType.RawPublicKey) && (IsFirst(servers) || IsFirst(clients));

        static bool IsFirst(short[] types) =>
            Array.Find(types, type => type is CertificateType.X509 or CertificateType.RawPublicKey) == CertificateType.RawPublicKey;
    }

    private byte[]? FindKey(byte[] identity)
    {
        if (identity.Length is 0 or > MaxIdentityBytes)
            return null;
        try
        {
            var name = StrictUtf8.GetString(identity);
            var psk = _gate.Await(_settings.Keys!.FindPskAsync(name, _cancellation));
            if (psk is not null)
                _identity = psk.Identity;
            return psk?.Key.ToArray();
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
        catch (Exception e) when (e is not HandshakeAbortedException)
        {
            throw Refuse(DtlsRefusal.StoreUnavailable, AlertDescription.internal_error, e);
        }
    }

    /// <summary>Asks whose key or certificate was proved, before the client is told that it is connected.</summary>
    private void Establish()
    {
        // The client's Finished has come by one of the two ways.
        var credential = _certificate ?? DeviceCredential.FromPsk(_identity!);
        DeviceSession? device;
        try
        {
            device = _gate.Await(_settings.Authenticator.AuthenticateAsync(credential, _cancellation));
        }
        catch (Exception e) when (e is not HandshakeAbortedException)
        {
            throw Refuse(DtlsRefusal.StoreUnavailable, AlertDescription.internal_error, e);
        }

        if (device is null)
            throw Refuse(DtlsRefusal.NotAuthenticated, AlertDescription.access_denied);
        Device = device.Over("coap");

        // The Finished that is about to be sent has the epoch's number 0; should it be refused after all, an alert has the next.
        Records = DtlsRecords.From(m_context, lastSequence: 1);
    }

    private TlsFatalAlert Refuse(string reason, short alert, Exception? cause = null)
    {
        Refusal = reason;
        return new TlsFatalAlert(alert, cause);
    }
}
