using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.Pki;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Pki;

public sealed class CertificateFoldersTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("opcua-pki").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly CertificateFolders _folders;

    public CertificateFoldersTests()
    {
        _folders = new CertificateFolders(_root);
        _folders.Create();
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void The_first_start_makes_a_certificate_and_the_next_finds_it()
    {
        using var made = LoadOrCreate();
        using var found = LoadOrCreate();
        Assert.Equal(made.Der, found.Der);
        Assert.Equal(made.Key.ExportRSAPrivateKey(), found.Key.ExportRSAPrivateKey());
        Assert.True(CertificateNames.HasApplicationUri(found.Certificate, "urn:test:server"));
        Assert.Equal(20, found.Sha1Thumbprint.Length);
        var usage = found.Certificate.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages;
        Assert.True(usage.HasFlag(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation));
        Assert.True(usage.HasFlag(X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.DataEncipherment));
        Assert.True(found.Certificate.MatchesHostname("box.example"));
    }

    [Fact]
    public void A_key_is_readable_by_its_owner_alone()
    {
        if (OperatingSystem.IsWindows())
            return;
        using var made = LoadOrCreate();
        var file = Assert.Single(Directory.GetFiles(_folders.OwnKeys));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public void A_certificate_of_another_application_is_left_alone()
    {
        using var made = LoadOrCreate();
        using var other = LoadOrCreate("urn:test:other");
        Assert.NotEqual(made.Der, other.Der);
        Assert.Equal(2, Directory.GetFiles(_folders.OwnCertificates).Length);
    }

    [Fact]
    public void A_certificate_whose_key_is_gone_or_another_is_not_used()
    {
        using var made = LoadOrCreate();
        var key = Directory.GetFiles(_folders.OwnKeys).Single();
        using (var other = RSA.Create(2048))
            File.WriteAllText(key, other.ExportPkcs8PrivateKeyPem());
        using var second = LoadOrCreate();
        Assert.NotEqual(made.Der, second.Der);
        File.WriteAllText(key, "nonsense");
        using var third = LoadOrCreate();
        Assert.Equal(second.Der, third.Der);
    }

    [Fact]
    public void Trust_follows_the_folders_without_a_restart()
    {
        var store = new TrustStore(_folders.Trusted, _folders.Issuer, _time, NullLogger.Instance);
        var client = TestAuthority.SelfSigned();
        Assert.False(store.Read().IsTrusted(client));
        var path = Path.Combine(CertificateFolders.CertificatesOf(_folders.Trusted), "client.der");
        File.WriteAllBytes(path, client.RawData);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(store.Read().IsTrusted(client));
        File.Delete(path);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(store.Read().IsTrusted(client));
    }

    [Fact]
    public void Pem_files_of_many_certificates_and_revocation_lists_are_read_and_nonsense_is_not()
    {
        var authority = new TestAuthority();
        var client = TestAuthority.SelfSigned();
        var certificates = CertificateFolders.CertificatesOf(_folders.Trusted);
        File.WriteAllText(
            Path.Combine(certificates, "both.pem"),
            client.ExportCertificatePem() + "\n" + authority.Certificate.ExportCertificatePem()
        );
        File.WriteAllText(Path.Combine(certificates, "nonsense.der"), "nonsense");
        File.WriteAllBytes(Path.Combine(certificates, "nonsense2.der"), [0x30, 1, 2]);
        File.WriteAllBytes(Path.Combine(certificates, "empty.der"), []);
        var crl = PemEncoding.WriteString("X509 CRL", authority.Revoke(_time.GetUtcNow()));
        File.WriteAllText(Path.Combine(CertificateFolders.RevocationsOf(_folders.Issuer), "root.crl"), crl);

        var list = new TrustStore(_folders.Trusted, _folders.Issuer, _time, NullLogger.Instance).Read();
        Assert.Equal(2, list.Trusted.Count);
        Assert.Single(list.Revocations);
    }

    [Fact]
    public void The_last_refused_certificates_are_kept_and_no_more()
    {
        var rejected = new RejectedCertificates(_folders.Rejected, 2, _time, NullLogger.Instance);
        for (var i = 0; i < 4; i++)
        {
            rejected.TryAdd(TestAuthority.SelfSigned($"CN=../../evil{i}"));
            _time.Advance(TimeSpan.FromSeconds(2));
        }

        Assert.Equal(2, Directory.GetFiles(_folders.Rejected).Length);
        Assert.Empty(Directory.GetFiles(_root));
    }

    [Fact]
    public void A_flood_of_refused_certificates_does_not_reach_the_disk()
    {
        var rejected = new RejectedCertificates(_folders.Rejected, 10, _time, NullLogger.Instance);
        rejected.TryAdd(TestAuthority.SelfSigned("CN=One"));
        rejected.TryAdd(TestAuthority.SelfSigned("CN=Two"));
        Assert.Single(Directory.GetFiles(_folders.Rejected));
    }

    private OwnCertificate LoadOrCreate(string uri = "urn:test:server") =>
        OwnCertificate.LoadOrCreate(_folders, "Server", uri, ["box.example", "127.0.0.1"], _time, NullLogger.Instance);
}
