using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>The server's certificate and its key: what lies in the folders, or is made at the first start.</summary>
internal sealed class OwnCertificate : IDisposable
{
    private const int KeyBits = 2048;
    private const int LifetimeYears = 10;

    private OwnCertificate(X509Certificate2 certificate, RSA key)
    {
        Certificate = certificate;
        Key = key;
        Der = certificate.RawData;
        Sha1Thumbprint = certificate.GetCertHash();
    }

    public X509Certificate2 Certificate { get; }

    public RSA Key { get; }

    /// <summary>As it goes over the wire.</summary>
    public byte[] Der { get; }

    /// <summary>By what peers name it (Part 6 §6.7.2), whatever the policy.</summary>
    public byte[] Sha1Thumbprint { get; }

    /// <summary>Takes the newest certificate in the folders that has its key and the application's URI, or makes one.</summary>
    /// <exception cref="IOException">The folders cannot be read or written.</exception>
    public static OwnCertificate LoadOrCreate(
        CertificateFolders folders,
        string applicationName,
        string applicationUri,
        IEnumerable<string> hosts,
        TimeProvider time,
        ILogger logger
    )
    {
        folders.Create();
        if (Load(folders, applicationUri, logger) is { } found)
        {
            if (found.Certificate.NotAfter.ToUniversalTime() < time.GetUtcNow().UtcDateTime)
                logger.OwnCertificateExpired(found.Certificate.NotAfter);
            return found;
        }

        var made = Create(applicationName, applicationUri, hosts, time.GetUtcNow());
        var name = CertificateFileName.Of(made.Certificate);
        WriteKey(Path.Combine(folders.OwnKeys, name + ".pem"), made.Key);
        File.WriteAllBytes(Path.Combine(folders.OwnCertificates, name + ".der"), made.Der);
        logger.OwnCertificateMade(made.Certificate.Thumbprint, folders.OwnCertificates);
        return made;
    }

    public static OwnCertificate Create(string applicationName, string applicationUri, IEnumerable<string> hosts, DateTimeOffset now)
    {
        var key = RSA.Create(KeyBits);
        var name = new X500DistinguishedNameBuilder();
        name.AddCommonName(applicationName);
        var request = new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(applicationUri));
        foreach (var host in hosts)
        {
            if (IPAddress.TryParse(host, out var address))
                names.AddIpAddress(address);
            else
                names.AddDnsName(host);
        }

        // Part 6 §6.2.2; a certificate that has issued itself says that it may.
        const X509KeyUsageFlags Uses =
            X509KeyUsageFlags.DigitalSignature
            | X509KeyUsageFlags.NonRepudiation
            | X509KeyUsageFlags.KeyEncipherment
            | X509KeyUsageFlags.DataEncipherment
            | X509KeyUsageFlags.KeyCertSign;
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(Uses, true));
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false)
        );
        var keyId = new X509SubjectKeyIdentifierExtension(request.PublicKey, false);
        request.CertificateExtensions.Add(keyId);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(keyId));
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(LifetimeYears));
        return new OwnCertificate(X509CertificateLoader.LoadCertificate(certificate.RawDataMemory.Span), key);
    }

    public void Dispose()
    {
        Certificate.Dispose();
        Key.Dispose();
    }

    private static OwnCertificate? Load(CertificateFolders folders, string applicationUri, ILogger logger)
    {
        OwnCertificate? best = null;
        foreach (var path in Directory.EnumerateFiles(folders.OwnCertificates, "*.der"))
        {
            var keyPath = Path.Combine(folders.OwnKeys, Path.GetFileNameWithoutExtension(path) + ".pem");
            if (!File.Exists(keyPath) || TryLoad(path, keyPath) is not { } found)
            {
                logger.OwnCertificateIgnored(path, "its key is missing, is not RSA, or does not fit");
                continue;
            }

            if (!CertificateNames.HasApplicationUri(found.Certificate, applicationUri))
            {
                logger.OwnCertificateIgnored(path, "it is of another application URI");
                found.Dispose();
                continue;
            }

            if (best is null || best.Certificate.NotAfter < found.Certificate.NotAfter)
                (best, found) = (found, best);
            found?.Dispose();
        }

        return best;
    }

    private static OwnCertificate? TryLoad(string path, string keyPath)
    {
        X509Certificate2? certificate = null;
        var key = RSA.Create();
        try
        {
            certificate = X509CertificateLoader.LoadCertificateFromFile(path);
            key.ImportFromPem(File.ReadAllText(keyPath));
            using var certified = certificate.GetRSAPublicKey();
            if (certified is not null && certified.ExportRSAPublicKey().AsSpan().SequenceEqual(key.ExportRSAPublicKey()))
                return new OwnCertificate(certificate, key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException) { }

        certificate?.Dispose();
        key.Dispose();
        return null;
    }

    private static void WriteKey(string path, RSA key)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(path, options);
        writer.Write(key.ExportPkcs8PrivateKeyPem());
    }
}
