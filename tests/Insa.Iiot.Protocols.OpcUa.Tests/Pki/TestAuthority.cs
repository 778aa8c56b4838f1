using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Pki;

/// <summary>An authority that issues what a test asks for.</summary>
internal sealed class TestAuthority
{
    public const string Uri = "urn:test:client";

    private static readonly DateTimeOffset From = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset To = new(2036, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly X509Certificate2 _withKey;
    private long _serial = 100;

    public TestAuthority(string name = "CN=Root", TestAuthority? issuer = null, bool isAuthority = true, int? pathLength = null)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, pathLength is not null, pathLength ?? 0, true));
        if (isAuthority)
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        _withKey = issuer is null
            ? request.CreateSelfSigned(From, To)
            : request
                .Create(
                    issuer._withKey.SubjectName,
                    X509SignatureGenerator.CreateForRSA(issuer._withKey.GetRSAPrivateKey()!, RSASignaturePadding.Pkcs1),
                    From,
                    To,
                    issuer.NextSerial()
                )
                .CopyWithPrivateKey(key);
        Certificate = X509CertificateLoader.LoadCertificate(_withKey.RawData);
    }

    public X509Certificate2 Certificate { get; }

    public static X509Certificate2 SelfSigned(
        string subject = "CN=Client",
        int bits = 2048,
        string? uri = Uri,
        DateTimeOffset? from = null,
        DateTimeOffset? to = null,
        bool isSha1 = false,
        X509KeyUsageFlags uses =
            X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.DataEncipherment,
        string purpose = "1.3.6.1.5.5.7.3.2"
    )
    {
        using var key = RSA.Create(bits);
        var request = Request(subject, key, uri, uses, purpose);
        return isSha1
            ? request.Create(request.SubjectName, new Sha1Signature(key), from ?? From, to ?? To, [1, 2, 3])
            : request.CreateSelfSigned(from ?? From, to ?? To);
    }

    public X509Certificate2 Issue(
        string subject = "CN=Client",
        string? uri = Uri,
        DateTimeOffset? from = null,
        DateTimeOffset? to = null,
        bool isSha1 = false
    )
    {
        using var key = RSA.Create(2048);
        const X509KeyUsageFlags Uses = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.DataEncipherment;
        var own = _withKey.GetRSAPrivateKey()!;
        return Request(subject, key, uri, Uses, "1.3.6.1.5.5.7.3.2")
            .Create(
                _withKey.SubjectName,
                isSha1 ? new Sha1Signature(own) : X509SignatureGenerator.CreateForRSA(own, RSASignaturePadding.Pkcs1),
                from ?? From,
                to ?? To,
                NextSerial()
            )
            .CopyWithPrivateKey(key);
    }

    public byte[] Revoke(DateTimeOffset now, params X509Certificate2[] revoked) => Revoke(now, now.AddDays(7), revoked);

    public byte[] Revoke(DateTimeOffset thisUpdate, DateTimeOffset nextUpdate, params X509Certificate2[] revoked)
    {
        var builder = new CertificateRevocationListBuilder();
        foreach (var certificate in revoked)
            builder.AddEntry(certificate.SerialNumberBytes.Span, thisUpdate);
        return builder.Build(
            _withKey.SubjectName,
            X509SignatureGenerator.CreateForRSA(_withKey.GetRSAPrivateKey()!, RSASignaturePadding.Pkcs1),
            1,
            nextUpdate,
            HashAlgorithmName.SHA256,
            X509AuthorityKeyIdentifierExtension.Create([1, 2, 3], _withKey.SubjectName, [1]),
            thisUpdate
        );
    }

    private byte[] NextSerial() => [0x11, (byte)(_serial >> 8), (byte)++_serial];

    private static CertificateRequest Request(string subject, RSA key, string? uri, X509KeyUsageFlags uses, string purpose)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(uses, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], false));
        if (uri is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddUri(new Uri(uri));
            request.CertificateExtensions.Add(names.Build());
        }

        return request;
    }
}
