using System.Security.Cryptography;
using Insa.Iiot.Protocols.Coap.Tests.Client;
using Insa.Iiot.Protocols.Coap.Tests.Dtls;
using Insa.Iiot.Protocols.Coap.Tests.Peers;

namespace Insa.Iiot.Protocols.Coap.Tests.Streams;

/// <summary>The client by TCP and TLS: with our server, and with libcoap's; and libcoap's clients with our server.</summary>
public sealed class StreamClientTests
{
    private static readonly byte[] Large = RandomNumberGenerator.GetBytes(300_000);

    [Fact]
    public async Task The_client_posts_asks_pings_and_observes_by_tcp()
    {
        CoapResource? resource = null;
        var state = 0;
        await using var world = await CoapWorld.StartStreamsAsync(coap => resource = StreamServerTests.MapCounter(coap, () => state));
        await using var client = await CoapClient.ConnectAsync(Plain(world));
        await client.PingAsync();
        var posts = Enumerable
            .Range(0, 500)
            .Select(i =>
                client.PostAsync(
                    "/telemetry?" + CoapWorld.Token,
                    System.Text.Encoding.UTF8.GetBytes($$$"""{"data":{"n":{{{i}}}}}"""),
                    CoapContentFormat.Json
                )
            );
        Assert.All(await Task.WhenAll(posts), response => Assert.Equal(CoapCode.Changed, response.Code));
        Assert.Equal(500, world.Stored.Count);
        await foreach (var told in client.ObserveAsync(new CoapRequest(CoapCode.Get, "/count?" + CoapWorld.Token)))
        {
            Assert.Equal(
                state.ToString(System.Globalization.CultureInfo.InvariantCulture),
                System.Text.Encoding.UTF8.GetString(told.Payload.Span)
            );
            if (++state == 5)
                break;
            resource!.NotifyChanged();
        }
    }

    // 64 KiB go in one message; what is more in blocks of several KiB (RFC 8323 §6), or in small ones if that is wanted.
    [Theory]
    [InlineData(1024, 60_000)]
    [InlineData(1024, 200_000)]
    [InlineData(64, 20_000)]
    public async Task Large_bodies_go_both_ways(int blockSize, int length)
    {
        await using var world = await CoapWorld.StartStreamsAsync(coap =>
            coap.Map("echo")
                .On(CoapCode.Put, (context, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Changed) { Payload = context.Payload }))
        );
        await using var client = await CoapClient.ConnectAsync(Plain(world), new CoapClientOptions { BlockSize = blockSize });
        var body = Large[..length];
        var response = await client.PutAsync("/echo?" + CoapWorld.Token, body, CoapContentFormat.OctetStream);
        Assert.Equal(CoapCode.Changed, response.Code);
        Assert.Equal(body, response.Payload.ToArray());
    }

    [Fact]
    public async Task A_certificate_stands_for_its_device_by_tls()
    {
        using var server = DtlsCredentials.Certificate("localhost");
        using var device = DtlsCredentials.Certificate("localhost");
        await using var world = await CoapWorld.StartStreamsAsync(certificate: server);
        world.Certificates.Add(Convert.ToHexString(SHA256.HashData(device.RawData)));
        var options = new CoapClientOptions { Certificate = device, ServerCertificateSha256 = SHA256.HashData(server.RawData) };
        await using var client = await CoapClient.ConnectAsync(Secure(world), options);
        var response = await client.PostAsync("/telemetry", """{"data":{"temp":21.5}}"""u8.ToArray(), CoapContentFormat.Json);
        Assert.Equal(CoapCode.Changed, response.Code);
        Assert.Equal(("plant", "press", "temp", TelemetryValue.Of(21.5)), Assert.Single(world.Stored));

        // Without one, a token says who speaks.
        options = new CoapClientOptions { ServerCertificateSha256 = SHA256.HashData(server.RawData) };
        await using var other = await CoapClient.ConnectAsync(Secure(world), options);
        response = await other.PostAsync("/telemetry", """{"data":{"temp":1}}"""u8.ToArray(), CoapContentFormat.Json);
        Assert.Equal(CoapCode.Unauthorized, response.Code);
        response = await other.PostAsync("/telemetry?" + CoapWorld.Token, """{"data":{"temp":1}}"""u8.ToArray(), CoapContentFormat.Json);
        Assert.Equal(CoapCode.Changed, response.Code);
    }

    [Fact]
    public async Task An_unknown_certificate_and_another_server_are_refused()
    {
        using var server = DtlsCredentials.Certificate("localhost");
        using var stranger = DtlsCredentials.Certificate("localhost");
        await using var world = await CoapWorld.StartStreamsAsync(certificate: server);
        var options = new CoapClientOptions { Certificate = stranger, ServerCertificateSha256 = SHA256.HashData(server.RawData) };
        await using (var client = await CoapClient.ConnectAsync(Secure(world), options))
        {
            var closed = await Assert.ThrowsAsync<CoapException>(() => client.GetAsync("/time"));
            Assert.Equal(CoapError.ConnectionClosed, closed.Error);
        }

        options = new CoapClientOptions { ServerCertificateSha256 = SHA256.HashData(stranger.RawData) };
        var refused = await Assert.ThrowsAsync<CoapException>(() => CoapClient.ConnectAsync(Secure(world), options));
        Assert.Equal(CoapError.NotAuthenticated, refused.Error);
    }

    [Fact]
    public async Task What_is_on_its_way_fails_when_the_server_goes()
    {
        var world = await CoapWorld.StartStreamsAsync();
        await using var client = await CoapClient.ConnectAsync(Plain(world));
        Assert.Equal(CoapCode.Content, (await client.GetAsync("/time")).Code);
        await world.DisposeAsync();
        var error = await Assert.ThrowsAsync<CoapException>(() => client.GetAsync("/time"));
        Assert.Equal(CoapError.ConnectionClosed, error.Error);
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task The_client_talks_to_libcoap_by_tcp()
    {
        await using var server = await LibcoapServer.StartAsync();
        var uri = new UriBuilder(server.Uri) { Scheme = "coap+tcp" }.Uri;
        await using var client = await CoapClient.ConnectAsync(uri);
        await client.PingAsync();
        Assert.Equal(CoapCode.Content, (await client.GetAsync("/time")).Code);
        var body = Large[..50_000];
        var created = await client.PutAsync("/large", body, CoapContentFormat.OctetStream);
        Assert.Equal(CoapCode.Created, created.Code);
        var read = await client.GetAsync("/large");
        Assert.Equal(body, read.Payload.ToArray());
        var count = 0;
        await foreach (var told in client.ObserveAsync(new CoapRequest(CoapCode.Get, "/time")))
        {
            Assert.Equal(CoapCode.Content, told.Code);
            if (++count == 3)
                break;
        }
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task Libcoaps_client_posts_reads_and_observes_by_tcp()
    {
        CoapResource? resource = null;
        var state = 0;
        await using var world = await CoapWorld.StartStreamsAsync(coap =>
        {
            resource = StreamServerTests.MapCounter(coap, () => Interlocked.Increment(ref state));
            coap.Map("large")
                .On(
                    CoapCode.Get,
                    (_, _) =>
                        ValueTask.FromResult(
                            new CoapResponse(CoapCode.Content)
                            {
                                Payload = new byte[200_000]
                                    .Select(_ => (byte)'x')
                                    .ToArray(),
                            }
                        )
                );
        });
        var uri = $"coap+tcp://{world.Addresses[1]}";
        string[] post = ["-m", "post", "-t", "50", "-e", """{"data":{"temp":21.5}}""", $"{uri}/telemetry?{CoapWorld.Token}"];
        var (output, exit) = await Peer.RunAsync("coap-client-notls", post);
        Assert.True(exit == 0, output);
        Assert.Equal("", output.Trim());
        Assert.Equal(("plant", "press", "temp", TelemetryValue.Of(21.5)), Assert.Single(world.Stored));
        (output, _) = await Peer.RunAsync("coap-client-notls", "-m", "get", $"{uri}/.well-known/core");
        Assert.Contains("</telemetry>", output, StringComparison.Ordinal);
        (output, _) = await Peer.RunAsync("coap-client-notls", "-m", "get", $"{uri}/large?{CoapWorld.Token}");
        Assert.Equal(new string('x', 200_000), output.Trim());
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        var observing = Peer.RunAsync("coap-client-notls", "-m", "get", "-s", "2", $"{uri}/count?{CoapWorld.Token}");
        while (!observing.IsCompleted)
        {
            await pace.WaitForNextTickAsync();
            resource!.NotifyChanged();
        }

        Assert.True((await observing).Output.Trim().Length > 5);
    }

    [Fact]
    [Trait("Category", "Peer")]
    public async Task Libcoaps_client_posts_by_tls()
    {
        using var server = DtlsCredentials.Certificate("localhost");
        await using var world = await CoapWorld.StartStreamsAsync(certificate: server);
        string[] post =
        [
            "-m",
            "post",
            "-t",
            "50",
            "-n",
            "-e",
            """{"data":{"temp":21.5}}""",
            $"coaps+tcp://{world.Addresses[2]}/telemetry?{CoapWorld.Token}",
        ];
        var (output, exit) = await Peer.RunAsync("coap-client-openssl", post);
        Assert.True(exit == 0, output);
        Assert.Equal(("plant", "press", "temp", TelemetryValue.Of(21.5)), Assert.Single(world.Stored));
    }

    private static Uri Plain(CoapWorld world) => new($"coap+tcp://{world.Addresses[1]}");

    private static Uri Secure(CoapWorld world) => new($"coaps+tcp://{world.Addresses[2]}");
}
