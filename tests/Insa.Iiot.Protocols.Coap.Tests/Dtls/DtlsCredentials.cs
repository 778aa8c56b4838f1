using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Insa.Iiot.Protocols.Coap.Tests.Dtls;

/// <summary>Keys and certificates of a few devices, in memory.</summary>
internal sealed class DtlsCredentials : IDevicePskStore, IDeviceAuthenticator
{
    public const string Identity = "pump@acme";
    public const string KeyText = "correct-horse-battery-staple-123";

    private readonly ConcurrentDictionary<string, DevicePsk> _keys = new();
    private readonly ConcurrentDictionary<string, DeviceSession> _certificates = new();

    public DtlsCredentials() => _keys[Identity] = Psk;

    public static DevicePsk Psk { get; } = new(Identity, Encoding.ASCII.GetBytes(KeyText));

    /// <summary>What a look-up waits for, if a test wants it to.</summary>
    public Task Hold { get; set; } = Task.CompletedTask;

    public void Register(X509Certificate2 certificate) => Register(SHA256.HashData(certificate.RawData));

    /// <summary>Registers a certificate's key without the certificate.</summary>
    public void RegisterKey(X509Certificate2 certificate) => Register(Sha256OfKey(certificate));

    public static byte[] Sha256OfKey(X509Certificate2 certificate) => SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo());

    private void Register(byte[] sha256) => _certificates[Convert.ToHexString(sha256)] = new DeviceSession(Id("acme"), Device("pump"));

    public ValueTask<DevicePsk?> SetPskAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public async ValueTask<DevicePsk?> FindPskAsync(string identity, CancellationToken cancellationToken = default)
    {
        await Hold.WaitAsync(cancellationToken);
        return _keys.GetValueOrDefault(identity);
    }

    public ValueTask<DeviceSession?> AuthenticateAsync(DeviceCredential credential, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(
            credential.Kind == DeviceCredentialKind.Certificate
                ? _certificates.GetValueOrDefault(Convert.ToHexString(credential.CertificateSha256.Span))
            : DeviceCredential.TrySplitUserName(credential.UserName, out var device, out var tenant) ? new DeviceSession(tenant, device)
            : null
        );

    public static X509Certificate2 Certificate(string name, bool rsa = false)
    {
        CertificateRequest request;
        if (rsa)
        {
            var key = RSA.Create(2048);
            request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }
        else
        {
            var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        }

        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(
            new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero),
            new DateTimeOffset(2090, 1, 1, 0, 0, 0, TimeSpan.Zero)
        );
    }

    private static TenantId Id(string text) => TenantId.TryParse(text, out var id) ? id : throw new ArgumentException(text);

    private static DeviceId Device(string text) => DeviceId.TryParse(text, out var id) ? id : throw new ArgumentException(text);
}
