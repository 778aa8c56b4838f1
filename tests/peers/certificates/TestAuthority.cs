using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Peers;

/// <summary>A certificate authority of a factory, holding from 2026-01-01 for a year.</summary>
internal sealed class TestAuthority : IDisposable
{
    public const string ForClients = "1.3.6.1.5.5.7.3.2";
    public const string ForServers = "1.3.6.1.5.5.7.3.1";

    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset End = Begin.AddYears(1);

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public TestAuthority(string subject = "CN=Factory", TestAuthority? issuer = null)
    {
        var request = new CertificateRequest(subject, _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        Certificate = issuer is null ? request.CreateSelfSigned(Begin, End) : issuer.Sign(request, Begin, End);
    }

    public X509Certificate2 Certificate { get; }

    /// <summary>Issues a device's certificate, with its key.</summary>
    public X509Certificate2 Issue(
        string subject,
        string? usage = ForClients,
        DateTimeOffset? end = null,
        bool isSha1 = false,
        byte[]? serial = null
    )
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        if (usage is not null)
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        using var certificate = Sign(request, Begin, end ?? End, serial, isSha1);
        return certificate.CopyWithPrivateKey(key);
    }

    public void Dispose()
    {
        Certificate.Dispose();
        _key.Dispose();
    }

    private X509Certificate2 Sign(
        CertificateRequest request,
        DateTimeOffset begin,
        DateTimeOffset end,
        byte[]? serial = null,
        bool isSha1 = false
    ) =>
        request.Create(
            Certificate.SubjectName,
            isSha1 ? new Sha1Signature(_key) : X509SignatureGenerator.CreateForECDsa(_key),
            begin,
            end,
            serial ?? RandomNumberGenerator.GetBytes(16)
        );
}
