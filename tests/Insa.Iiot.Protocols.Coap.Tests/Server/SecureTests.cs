using System.Security.Cryptography;
using Insa.Iiot.Conformance;
using Insa.Iiot.Protocols.Coap.Tests.Dtls;
using Insa.Iiot.Protocols.Coap.Tests.Peers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Insa.Iiot.Protocols.Coap.Tests.Server;

/// <summary>The server over DTLS: who the session is of decides, and no token is needed.</summary>
public sealed class SecureTests
{
    private static readonly byte[] Reading = """{"data":{"temp":21.5}}"""u8.ToArray();

    [Fact] // TD_COAP_DTLS_01
    public async Task A_device_with_its_key_posts_readings()
    {
        await using var world = await StartAsync();
        await using var client = await ConnectAsync(world, CoapWorld.Psk);
        for (var i = 0; i < 10; i++)
            Assert.Equal(CoapCode.Changed, (await client.PostAsync("telemetry", Reading, CoapContentFormat.Json)).Code);
        Assert.Equal(10, world.Stored.Count);
        Assert.All(world.Stored, row => Assert.Equal(("plant", "press"), (row.Tenant, row.Device)));
    }

    [Theory] // TD_COAP_DTLS_02
    [InlineData("press@plant", "not the key of it")]
    [InlineData("nobody@plant", "correct-horse-battery")]
    public async Task A_wrong_key_and_an_unknown_identity_are_refused_alike(string identity, string key)
    {
        await using var world = await StartAsync();
        var error = await Assert.ThrowsAsync<CoapException>(() =>
            ConnectAsync(world, new DevicePsk(identity, System.Text.Encoding.ASCII.GetBytes(key)))
        );
        Assert.Equal(CoapError.NotAuthenticated, error.Error);
    }

    [Fact]
    public async Task A_session_sees_only_its_own_devices_whatever_it_says()
    {
        await using var world = await StartAsync();
        await using var client = await ConnectAsync(world, CoapWorld.Psk);
        Assert.Equal(CoapCode.Forbidden, (await client.PostAsync("telemetry/pump", Reading, CoapContentFormat.Json)).Code);
        Assert.Equal(
            CoapCode.Forbidden,
            (await client.PostAsync("telemetry", """{"device_id":"pump","data":{"n":1}}"""u8.ToArray(), CoapContentFormat.Json)).Code
        );

        // A session has shown who it is: a token makes nobody else of it.
        var other = await client.PostAsync("telemetry?token=gate@plant:" + CoapWorld.Secret, Reading, CoapContentFormat.Json);
        Assert.Equal(CoapCode.Changed, other.Code);
        Assert.Equal("press", Assert.Single(world.Stored).Device);
        Assert.Contains(
            "</telemetry/press>",
            System.Text.Encoding.UTF8.GetString((await client.GetAsync("devices")).Payload.Span),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Large_bodies_and_observations_go_over_a_session()
    {
        CoapResource? resource = null;
        var state = 0;
        await using var world = await StartAsync(coap =>
        {
            resource = coap.Map("state");
            resource.IsObservable = true;
            resource.On(
                CoapCode.Get,
                (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Content) { Payload = new[] { (byte)Volatile.Read(ref state) } })
            );
        });
        await using var client = await ConnectAsync(world, CoapWorld.Psk);
        var body =
            "["
            + string.Join(
                ',',
                Enumerable.Range(0, 200).Select(i => $$$"""{"data":{"n":{{{i}}}},"timestamp":{{{1_777_000_000_000 + i}}}}""")
            )
            + "]";
        var answer = await client.PostAsync("telemetry", System.Text.Encoding.UTF8.GetBytes(body), CoapContentFormat.Json);
        Assert.Equal(CoapCode.Changed, answer.Code);
        Assert.Equal(200, world.Stored.Count);

        var seen = new List<byte>();
        await foreach (var notification in client.ObserveAsync(new CoapRequest(CoapCode.Get, "state")))
        {
            seen.Add(notification.Payload.Span[0]);
            if (seen.Count == 4)
                break;
            Interlocked.Increment(ref state);
            resource!.NotifyChanged();
        }

        Assert.Equal([0, 1, 2, 3], seen);
    }

    [Fact]
    public async Task A_device_with_its_certificate_posts_readings_and_another_does_not()
    {
        using var server = DtlsCredentials.Certificate("localhost");
        using var device = DtlsCredentials.Certificate("press");
        using var stranger = DtlsCredentials.Certificate("stranger");
        await using var world = await StartAsync(coap => coap.Listeners[1].Certificate = server);
        world.Certificates.Add(Convert.ToHexString(SHA256.HashData(device.RawData)));
        var uri = new Uri($"coaps://127.0.0.1:{world.Addresses[1].Port}");
        var pin = SHA256.HashData(server.RawData);
        await using var client = await CoapClient.ConnectAsync(
            uri,
            new CoapClientOptions { Certificate = device, ServerCertificateSha256 = pin }
        );
        Assert.Equal(CoapCode.Changed, (await client.PostAsync("telemetry", Reading, CoapContentFormat.Json)).Code);

        foreach (
            var options in new[]
            {
                new CoapClientOptions { Certificate = stranger, ServerCertificateSha256 = pin },
                new CoapClientOptions { Certificate = device, ServerCertificateSha256 = new byte[32] },
                new CoapClientOptions { Certificate = device },
            }
        )
            Assert.Equal(
                CoapError.NotAuthenticated,
                (await Assert.ThrowsAsync<CoapException>(() => CoapClient.ConnectAsync(uri, options))).Error
            );
    }

    [Theory]
    [InlineData("openssl")]
    [InlineData("gnutls")]
    public async Task Coap_client_posts_and_reads_over_dtls(string library)
    {
        await using var world = await StartAsync();
        var uri = $"coaps://127.0.0.1:{world.Addresses[1].Port}/";
        string[] credential = ["-u", "press@plant", "-k", CoapWorld.Secret];
        var program = "coap-client-" + library;
        var (posted, _) = await Peer.RunAsync(
            program,
            [.. credential, "-m", "post", "-t", "50", "-e", """{"data":{"temp":21.5}}""", uri + "telemetry"]
        );
        Assert.Equal("", posted.Trim());
        Assert.Equal(("plant", "press", "temp", TelemetryValue.Of(21.5)), Assert.Single(world.Stored));
        var (devices, _) = await Peer.RunAsync(program, [.. credential, "-m", "get", uri + "devices"]);
        Assert.Contains("</telemetry/press>", devices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secure_listener_without_keys_and_certificate_says_what_to_do()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        new AdapterSurroundings().AddTo(builder.Services);
        builder.Services.AddIiot().AddIngestion().AddCoapServer(coap => coap.Listeners.Add(new CoapListenerOptions { Port = 0 }));
        using var host = builder.Build();
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync());
        Assert.Contains("set Certificate", error.Message, StringComparison.Ordinal);
    }

    private static Task<CoapWorld> StartAsync(Action<CoapServerOptions>? configure = null) =>
        CoapWorld.StartAsync(
            coap =>
            {
                coap.Listeners.Add(new CoapListenerOptions { Port = 0 });
                configure?.Invoke(coap);
            },
            isRealTime: true
        );

    private static Task<CoapClient> ConnectAsync(CoapWorld world, DevicePsk psk) =>
        CoapClient.ConnectAsync(new Uri($"coaps://127.0.0.1:{world.Addresses[1].Port}"), new CoapClientOptions { Psk = psk });
}
