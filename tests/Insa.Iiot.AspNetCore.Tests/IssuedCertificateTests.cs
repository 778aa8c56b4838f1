using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Insa.Iiot.Peers;
using Insa.Iiot.Protocols.Coap;
using Insa.Iiot.Protocols.Mqtt;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>Devices of other makers that show certificates which a factory issued, by MQTT and by CoAP.</summary>
public sealed class IssuedCertificateTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-factory-").FullName;
    private readonly TestAuthority _factory = new("CN=Factory,O=Plant");
    private X509Certificate2 _server = null!;
    private ApiWorld _world = null!;
    private string _authority = null!;

    private string ServerFile => Path.Combine(_folder, "server.pem");

    public async ValueTask InitializeAsync()
    {
        _server = MakeServer(ServerFile);
        _world = await ApiWorld.MakeAsync(configure: iiot =>
        {
            iiot.AddMqttEndpoint(mqtt =>
                mqtt.Listeners.Add(
                    new MqttListenerOptions
                    {
                        Port = 0,
                        Certificate = _server,
                        RequireClientCertificate = true,
                    }
                )
            );
            iiot.AddCoapServer(coap =>
            {
                coap.Listeners.Add(new CoapListenerOptions { Port = 0, Certificate = _server });
                coap.Listeners.Add(
                    new CoapListenerOptions
                    {
                        Port = 0,
                        Certificate = _server,
                        Transport = CoapTransport.Tcp,
                    }
                );
            });
        });
        foreach (var id in (string[])["press", "pump"])
            Assert.Equal(201, (await _world.PostAsync("/api/v1/devices", _world.Ann.Token, $$"""{"id":"{{id}}"}""")).Status);
        var trusted = await _world.PostAsync("/api/v1/device-authorities", _world.Ann.Token, ApiWorld.ToTrust(_factory));
        _authority = (string)trusted.Json["id"]!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_world is not null)
            await _world.DisposeAsync();
        _server.Dispose();
        _factory.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Mosquitto_pub_publishes_with_a_certificate_until_it_is_revoked()
    {
        var (certificate, key, serial) = Issue(_factory, "CN=press@plant");
        Assert.Equal(0, await PublishAsync(certificate, key, 1));
        Assert.Equal(1, await LatestAsync("press"));

        // By the device's id alone with a user name, and never as another's.
        var (brief, briefKey, _) = Issue(_factory, "CN=pump");
        Assert.Equal(0, await PublishAsync(brief, briefKey, 2, "-u", "pump@plant"));
        Assert.Equal(2, await LatestAsync("pump"));
        Assert.NotEqual(0, await PublishAsync(brief, briefKey, 3, "-u", "press@plant"));
        Assert.NotEqual(0, await PublishAsync(brief, briefKey, 3));

        var body = $$"""{"serial":"{{serial}}"}""";
        var revoked = await _world.PostAsync($"/api/v1/device-authorities/{_authority}/revocations", _world.Ann.Token, body);
        Assert.Equal(200, revoked.Status);
        Assert.NotEqual(0, await PublishAsync(certificate, key, 3));
        Assert.Equal(1, await LatestAsync("press"));
    }

    [Theory]
    [InlineData("openssl")]
    [InlineData("gnutls")]
    public async Task Coap_client_posts_with_a_certificate_until_its_authority_is_trusted_no_more(string library)
    {
        var (certificate, key, _) = Issue(_factory, "CN=press@plant");
        using var stranger = new TestAuthority("CN=Factory,O=Plant");
        var (forged, forgedKey, _) = Issue(stranger, "CN=press@plant");
        await PostAsync(library, certificate, key, 1);
        Assert.Equal(1, await LatestAsync("press"));
        await PostAsync(library, forged, forgedKey, 2);
        Assert.Equal(1, await LatestAsync("press"));

        var removed = await _world.SendAsync(HttpMethod.Delete, $"/api/v1/device-authorities/{_authority}", _world.Ann.Token);
        Assert.Equal(204, removed.Status);
        await PostAsync(library, certificate, key, 3);
        Assert.Equal(1, await LatestAsync("press"));
    }

    [Fact]
    public async Task A_certificate_lets_in_by_CoAP_over_TLS()
    {
        var (certificate, key, _) = Issue(_factory, "CN=press@plant");
        using var device = X509Certificate2.CreateFromPemFile(certificate, key);
        var options = new CoapClientOptions
        {
            Certificate = device,
            ServerCertificateSha256 = _server.GetCertHash(HashAlgorithmName.SHA256),
        };
        var server = new Uri($"coaps+tcp://{_world.Get<CoapServerAddresses>().Endpoints[1]}");
        await using var client = await CoapClient.ConnectAsync(server, options);
        var answer = await client.PostAsync("/telemetry", Encoding.UTF8.GetBytes("""{"data":{"n":7}}"""), CoapContentFormat.Json);
        Assert.Equal(CoapCode.Changed, answer.Code);
        Assert.Equal(7, await LatestAsync("press"));
    }

    private static X509Certificate2 MakeServer(string file)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        File.WriteAllText(file, certificate.ExportCertificatePem());
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }

    /// <returns>The files of a device's certificate and key, and the serial number.</returns>
    private (string Certificate, string Key, string Serial) Issue(TestAuthority authority, string subject)
    {
        using var certificate = authority.Issue(subject);
        using var key = certificate.GetECDsaPrivateKey()!;
        var file = Path.Combine(_folder, certificate.SerialNumber);
        File.WriteAllText($"{file}.pem", certificate.ExportCertificatePem());
        File.WriteAllText($"{file}.key", key.ExportPkcs8PrivateKeyPem());
        return ($"{file}.pem", $"{file}.key", certificate.SerialNumber);
    }

    private async Task<int> PublishAsync(string certificate, string key, int value, params string[] more)
    {
        const string program = "/usr/bin/mosquitto_pub";
        PeerProcess.Require(File.Exists(program), program);
        var port = _world.Get<MqttEndpointAddresses>().Endpoints[0].Port;
        string[] arguments =
        [
            .. $"-h localhost -p {port} -V mqttv5 -q 1 -t telemetry --cafile {ServerFile} --cert {certificate} --key {key}".Split(' '),
            "-m",
            $$$"""{"data":{"n":{{{value}}}}}""",
            .. more,
        ];
        return (await PeerProcess.TryAsync(_folder, program, arguments)).Exit;
    }

    // Its exit code says nothing of the answer.
    private async Task PostAsync(string library, string certificate, string key, int value)
    {
        var program = $"/usr/bin/coap-client-{library}";
        PeerProcess.Require(File.Exists(program), program);
        var port = _world.Get<CoapServerAddresses>().Endpoints[0].Port;
        string[] arguments =
        [
            .. $"-m post -t 50 -B 5 -n -c {certificate} -j {key}".Split(' '),
            "-e",
            $$$"""{"data":{"n":{{{value}}}}}""",
            $"coaps://127.0.0.1:{port}/telemetry",
        ];
        await PeerProcess.TryAsync(_folder, program, arguments);
    }

    private async Task<int?> LatestAsync(string device)
    {
        var answer = await _world.GetAsync($"/api/v1/devices/{device}/telemetry/latest", _world.Ann.Token);
        return answer.Json["points"]!.AsArray() is [{ } point, ..] ? (int)point["value"]! : null;
    }
}
