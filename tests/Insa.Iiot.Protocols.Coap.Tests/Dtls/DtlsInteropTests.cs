using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.Coap.Dtls;
using Insa.Iiot.Protocols.Coap.Tests.Peers;

namespace Insa.Iiot.Protocols.Coap.Tests.Dtls;

/// <summary>Debian's libcoap clients, with OpenSSL and with GnuTLS, against the server.</summary>
public sealed class DtlsInteropTests
{
    [Theory]
    [InlineData("openssl")]
    [InlineData("gnutls")]
    public async Task Libcoap_is_served_by_a_pre_shared_key(string library)
    {
        using var host = new DtlsHost();
        var answer = await Run(host, library, "-u", DtlsCredentials.Identity, "-k", DtlsCredentials.KeyText);
        Assert.Equal("it works", answer);
        await host.Until(server => server.SessionCount == 0);
    }

    [Theory]
    [InlineData("openssl")]
    [InlineData("gnutls")]
    public async Task Libcoap_with_a_wrong_key_gets_nothing(string library)
    {
        using var host = new DtlsHost();
        var answer = await Run(host, library, "-u", DtlsCredentials.Identity, "-k", "wrong");
        Assert.DoesNotContain("it works", answer, StringComparison.Ordinal);
        await host.Until(server => server.HandshakeCount == 0);
        Assert.NotEmpty(host.Refusals);
        Assert.Empty(host.Seen);
    }

    [Theory]
    [InlineData("openssl", false)]
    [InlineData("openssl", true)]
    [InlineData("gnutls", false)]
    [InlineData("gnutls", true)]
    public async Task Libcoap_is_served_by_a_certificate(string library, bool isRsa)
    {
        using var serverCertificate = DtlsCredentials.Certificate("localhost", isRsa);
        using var certificate = DtlsCredentials.Certificate("pump", isRsa);
        var folder = Directory.CreateTempSubdirectory("dtls");
        try
        {
            var certificateFile = Path.Combine(folder.FullName, "client.pem");
            var keyFile = Path.Combine(folder.FullName, "key.pem");
            await File.WriteAllTextAsync(certificateFile, certificate.ExportCertificatePem());
            AsymmetricAlgorithm key = isRsa ? certificate.GetRSAPrivateKey()! : certificate.GetECDsaPrivateKey()!;
            await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem());
            using var host = new DtlsHost(settings => new DtlsServerSettings
            {
                Authenticator = settings.Authenticator,
                Keys = settings.Keys,
                Certificate = serverCertificate,
                Refused = settings.Refused,
                WakeAddress = settings.WakeAddress,
            });
            host.Credentials.Register(certificate);
            var answer = await Run(host, library, "-n", "-c", certificateFile, "-j", keyFile);
            Assert.Equal("it works", answer);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // Debian's build with GnuTLS is the one that knows raw public keys (RFC 7250).
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Libcoap_is_served_by_a_raw_public_key_that_is_registered(bool isRegistered)
    {
        using var serverCertificate = DtlsCredentials.Certificate("localhost");
        using var certificate = DtlsCredentials.Certificate("pump");
        var keyFile = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(keyFile, certificate.GetECDsaPrivateKey()!.ExportECPrivateKeyPem());
            using var host = new DtlsHost(settings => new DtlsServerSettings
            {
                Authenticator = settings.Authenticator,
                Keys = settings.Keys,
                Certificate = serverCertificate,
                Refused = settings.Refused,
                WakeAddress = settings.WakeAddress,
            });
            if (isRegistered)
                host.Credentials.RegisterKey(certificate);
            else
                host.Credentials.Register(certificate);
            var answer = await Run(host, "gnutls", "-M", keyFile);
            Assert.Equal(isRegistered, answer == "it works");
        }
        finally
        {
            File.Delete(keyFile);
        }
    }

    private static async Task<string> Run(DtlsHost host, string library, params string[] arguments)
    {
        var program = $"coap-client-{library}";
        Peer.Require(program);
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] all = ["-B", "5", "-m", "get", .. arguments, $"coaps://127.0.0.1:{host.EndPoint.Port}/x"];
        foreach (var argument in all)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(DtlsHost.Patience);
        var text = (await output).Trim();
        TestContext.Current.TestOutputHelper?.WriteLine($"{text}\n{await errors}\n{string.Join(' ', host.Refusals)}");
        return text;
    }
}
