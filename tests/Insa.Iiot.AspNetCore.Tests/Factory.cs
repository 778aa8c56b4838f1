using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>An authority that issues certificates to devices.</summary>
internal sealed class Factory : IDisposable
{
    private static readonly DateTimeOffset Begin = DateTimeOffset.UnixEpoch;

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;

    public Factory(string subject)
    {
        var request = new CertificateRequest(subject, _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        _certificate = request.CreateSelfSigned(Begin, Begin.AddYears(100));
    }

    /// <summary>What is posted to trust it.</summary>
    public string Body => new JsonObject { ["name"] = "Factory", ["certificate"] = _certificate.ExportCertificatePem() }.ToJsonString();

    /// <summary>Issues a certificate, and writes it and its key to files of a folder.</summary>
    /// <returns>The files, and the certificate's serial number.</returns>
    public (string Certificate, string Key, string Serial) Issue(string subject, string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var serial = RandomNumberGenerator.GetBytes(16);
        using var certificate = request.Create(
            _certificate.SubjectName,
            X509SignatureGenerator.CreateForECDsa(_key),
            Begin,
            Begin.AddYears(100),
            serial
        );
        var files = (Path.Combine(folder, $"{certificate.SerialNumber}.pem"), Path.Combine(folder, $"{certificate.SerialNumber}.key"));
        File.WriteAllText(files.Item1, certificate.ExportCertificatePem());
        File.WriteAllText(files.Item2, key.ExportPkcs8PrivateKeyPem());
        return (files.Item1, files.Item2, certificate.SerialNumber);
    }

    /// <summary>Makes a server's certificate for localhost, and writes it to a file.</summary>
    public static X509Certificate2 MakeServer(string file)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(Begin, Begin.AddYears(100));
        File.WriteAllText(file, certificate.ExportCertificatePem());
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }
}
