using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.Mqtt.Tests;

[Trait("Category", "Peer")]
public sealed class PeerTests
{
    [Theory]
    [InlineData("mqttv311", 0)]
    [InlineData("mqttv311", 1)]
    [InlineData("mqttv311", 2)]
    [InlineData("mqttv5", 0)]
    [InlineData("mqttv5", 1)]
    [InlineData("mqttv5", 2)]
    public async Task Mosquitto_pub_publishes(string version, int qos)
    {
        await using var host = await MqttHost.StartAsync();
        var (exit, error) = await MosquittoPubAsync(
            $"-h 127.0.0.1 -p {host.Endpoint.Port} -V {version} -q {qos} -u press@plant -P {MqttHost.Password} -t telemetry -m {{\"data\":{{\"temp\":21.5}}}}"
        );
        Assert.True(exit == 0, error);

        // QoS 0 is answered by nothing: the next message of the same tenant is behind it.
        using var client = await RawClient.ConnectAsync(host, clientId: "after");
        await client.SendAsync(RawClient.Publish(4, "telemetry", """{"data":{"n":1}}""", 1, 1));
        await client.ReadAsync();
        Assert.Contains(("plant", "press", "temp", TelemetryValue.Of(21.5)), host.Stored);
    }

    [Fact]
    public async Task Mosquitto_pub_is_told_of_a_wrong_password()
    {
        await using var host = await MqttHost.StartAsync();
        var (exit, error) = await MosquittoPubAsync(
            $"-h 127.0.0.1 -p {host.Endpoint.Port} -V mqttv5 -u press@plant -P wrong -t telemetry -m 1"
        );
        Assert.NotEqual(0, exit);
        Assert.Contains("Bad User Name or Password", error, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Mosquitto_pub_publishes_over_tls_with_a_password_and_with_a_client_certificate()
    {
        var folder = Directory.CreateTempSubdirectory("iiot-tls-").FullName;
        try
        {
            using var server = MakeCertificate("CN=localhost", folder, "server");
            using var device = MakeCertificate("CN=press", folder, "device");
            await using var host = await MqttHost.StartAsync(options =>
            {
                options.Listeners.Add(new MqttListenerOptions { Port = 0, Certificate = server });
                options.Listeners.Add(
                    new MqttListenerOptions
                    {
                        Port = 0,
                        Certificate = server,
                        RequireClientCertificate = true,
                    }
                );
            });

            var tls = $"-h localhost --cafile {folder}/server.pem -q 1 -t telemetry -m {{\"data\":{{\"n\":1}}}}";
            var (exit, error) = await MosquittoPubAsync($"{tls} -p {host.Endpoints[1].Port} -u press@plant -P {MqttHost.Password}");
            Assert.True(exit == 0, error);
            (exit, error) = await MosquittoPubAsync(
                $"{tls} -p {host.Endpoints[2].Port} --cert {folder}/device.pem --key {folder}/device.key"
            );
            Assert.True(exit == 0, error);
            Assert.Equal(2, host.Stored.Count);
            (exit, _) = await MosquittoPubAsync($"{tls} -p {host.Endpoints[2].Port} -u press@plant -P {MqttHost.Password}");
            Assert.NotEqual(0, exit);
            Assert.Equal(2, host.Stored.Count);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("mqttv311", 0)]
    [InlineData("mqttv311", 2)]
    [InlineData("mqttv5", 1)]
    [InlineData("mqttv5", 2)]
    public async Task Mosquitto_sub_hears_its_devices_commands(string version, int qos)
    {
        await using var host = await MqttHost.StartAsync();
        var login = $"-h 127.0.0.1 -p {host.Endpoint.Port} -V {version} -q {qos} -u press@plant -P {MqttHost.Password}";
        var listening = RunAsync("/usr/bin/mosquitto_sub", [.. login.Split(' '), "-t", "commands/#", "-C", "1", "-W", "20", "-v"]);

        // Only a retained message is sure to be heard by a subscriber that may come before or after it.
        var (exit, error) = await MosquittoPubAsync($"{login} -r -t commands/start -m now");
        Assert.True(exit == 0, error);
        var (heard, output) = await listening;
        Assert.True(heard == 0, output);
        Assert.Equal("commands/start now", output.Trim());
    }

    [Theory]
    [InlineData("mqttv311", 1)]
    [InlineData("mqttv5", 2)]
    public async Task Mosquitto_sub_gets_commands_and_mosquitto_pub_answers_them(string version, int qos)
    {
        await using var world = await CommandWorld.StartAsync();
        await world.SendAsync("open-valve", """{"percent":40}""", needsAnswer: true);
        await world.SendAsync("b", needsAnswer: true);
        var login = $"-h 127.0.0.1 -p {world.Host.Endpoint.Port} -V {version} -q {qos} -u press@plant -P {MqttHost.Password}";
        var (exit, output) = await RunAsync(
            "/usr/bin/mosquitto_sub",
            [.. login.Split(' '), "-t", "commands/#", "-C", "2", "-W", "20", "-v"]
        );
        Assert.True(exit == 0, output);
        var lines = output.Split('\n');
        Assert.StartsWith("""commands/1 {"id":1,"name":"open-valve","data":{"percent":40},""", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("""commands/2 {"id":2,"name":"b",""", lines[1], StringComparison.Ordinal);
        await world.BecomesAsync(1, DeviceCommandState.Delivered);

        (exit, output) = await MosquittoPubAsync($"{login} -t responses/1 -m {{\"percent\":38}}");
        Assert.True(exit == 0, output);
        Assert.Equal(DeviceCommandState.Succeeded, (await world.FindAsync(1)).State);
        var failure = version == "mqttv5" ? "-t responses/2 -D publish user-property status failed" : "-t responses/2/failed";
        (exit, output) = await MosquittoPubAsync($"{login} {failure} -m stuck");
        Assert.True(exit == 0, output);
        Assert.Equal(DeviceCommandState.Failed, (await world.FindAsync(2)).State);
    }

    [Theory]
    [InlineData("mqtt", 4, 0)]
    [InlineData("mqtt", 4, 2)]
    [InlineData("mqtt", 5, 1)]
    [InlineData("ws", 4, 1)]
    [InlineData("ws", 5, 2)]
    public async Task The_node_client_publishes_telemetry_and_hears_commands(string scheme, int version, int qos)
    {
        await using var host = await MqttHost.StartAsync();
        var url = scheme == "ws" ? $"ws://127.0.0.1:{host.HttpPort}/mqtt" : $"mqtt://127.0.0.1:{host.Endpoint.Port}";
        var script = Path.Combine(FindPeers(), "node", "client.mjs");
        var (exit, output) = await RunAsync("/usr/bin/node", [script, url, $"{version}", $"{qos}", "press@plant", MqttHost.Password]);
        Assert.True(exit == 0, output);
        Assert.Contains("heard commands/start now", output, StringComparison.Ordinal);
        Assert.Contains(("plant", "press", "temp", TelemetryValue.Of(21.5)), host.Stored);
    }

    private static string FindPeers()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var peers = Path.Combine(folder.FullName, "tests", "peers");
            if (Directory.Exists(Path.Combine(peers, "node", "node_modules", "mqtt")))
                return peers;
        }

        Assert.SkipUnless(IsRequired, "The Node client is missing: run eng/install-peers.sh, or eng/test.sh for everything.");
        throw new DirectoryNotFoundException("The Node client is missing below tests/peers/node.");
    }

    private static bool IsRequired => Environment.GetEnvironmentVariable("IIOT_REQUIRE_PEERS") == "1";

    private static Task<(int Exit, string Output)> MosquittoPubAsync(string arguments) =>
        RunAsync("/usr/bin/mosquitto_pub", arguments.Split(' '));

    private static async Task<(int Exit, string Output)> RunAsync(string peer, string[] arguments)
    {
        if (!File.Exists(peer))
            Assert.SkipUnless(IsRequired, $"{peer} is missing: run eng/install-peers.sh, or eng/test.sh for everything.");

        var start = new ProcessStartInfo(peer, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var error = process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, await output + await error);
    }

    private static X509Certificate2 MakeCertificate(string subject, string folder, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        File.WriteAllText(Path.Combine(folder, name + ".pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, name + ".key"), key.ExportPkcs8PrivateKeyPem());
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }
}
