using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>OPC UA of the composed host, with the client of node-opcua.</summary>
public sealed class OpcUaTests : IDisposable
{
    private const string ClientUri = "urn:test:peer";

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_file_and_the_banner_say_where_and_who()
    {
        await using var host = await HostProcess.StartAsync(_folder.Data);
        var opcua = host.Bootstrap["opcua"]!;
        Assert.StartsWith("opc.tcp://127.0.0.1:", (string)opcua["endpoint"]!, StringComparison.Ordinal);
        Assert.Equal("demo-press-01@default", (string)opcua["user"]!);
        Assert.Equal((string)host.Bootstrap["device"]!["password"]!, (string)opcua["password"]!);
        Assert.Contains((string)opcua["endpoint"]!, host.Banner, StringComparison.Ordinal);
        using var certificate = X509CertificateLoader.LoadCertificateFromFile((string)opcua["certificate"]!);
        Assert.False(certificate.HasPrivateKey);
    }

    [Fact]
    public async Task A_client_that_is_trusted_signs_in_by_the_file_and_another_one_is_kept_to_be_looked_at()
    {
        using var certificate = MakeCertificate();
        await using var host = await HostProcess.StartAsync(_folder.Data);
        var folder = Path.Combine(_folder.Data, "pki", "opcua");
        Assert.False((await ConnectAsync(host, certificate))["ok"]!.GetValue<bool>());
        var rejected = Assert.Single(Directory.GetFiles(Path.Combine(folder, "rejected", "certs")));
        File.Move(rejected, Path.Combine(folder, "trusted", "certs", Path.GetFileName(rejected)));
        var answer = await ConnectAsync(host, certificate);
        Assert.True(answer["ok"]!.GetValue<bool>(), answer.ToJsonString());
    }

    private async Task<JsonNode> ConnectAsync(HostProcess host, X509Certificate2 certificate)
    {
        var files = Directory.CreateDirectory(Path.Combine(_folder.Data, "client")).FullName;
        var (certificateFile, keyFile) = (Path.Combine(files, "client.pem"), Path.Combine(files, "key.pem"));
        await File.WriteAllTextAsync(certificateFile, certificate.ExportCertificatePem());
        using (var key = certificate.GetRSAPrivateKey()!)
            await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem());
        var opcua = host.Bootstrap["opcua"]!;
        var order = JsonSerializer.Serialize(
            new
            {
                action = "connect",
                url = (string)opcua["endpoint"]!,
                policy = "Basic256Sha256",
                mode = "SignAndEncrypt",
                token = new
                {
                    kind = "password",
                    user = (string)opcua["user"]!,
                    password = (string)opcua["password"]!,
                },
                applicationUri = ClientUri,
                certificate = certificateFile,
                key = keyFile,
                folder = files,
            }
        );
        var script = FindPeer();
        using var node = Process.Start(
            new ProcessStartInfo("node", [script, order])
            {
                RedirectStandardOutput = true,
                WorkingDirectory = Path.GetDirectoryName(script),
            }
        )!;
        var lines = await node.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(2));
        await node.WaitForExitAsync();
        return JsonNode.Parse(lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1])!;
    }

    private static string FindPeer()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "tests", "peers", "opcua", "client.mjs");
            if (File.Exists(candidate))
                return candidate;
        }

        throw new DirectoryNotFoundException("The client of node-opcua is missing below tests/peers/opcua.");
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=Peer", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(ClientUri));
        names.AddDnsName(Dns.GetHostName());
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(
                X509KeyUsageFlags.DigitalSignature
                    | X509KeyUsageFlags.NonRepudiation
                    | X509KeyUsageFlags.KeyEncipherment
                    | X509KeyUsageFlags.DataEncipherment,
                critical: true
            )
        );
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddHours(-1), now.AddDays(1));
    }
}
