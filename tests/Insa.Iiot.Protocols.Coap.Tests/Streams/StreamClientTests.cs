using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Streams;
using Insa.Iiot.Protocols.Coap.Tests.Client;
using Insa.Iiot.Protocols.Coap.Tests.Dtls;
using Insa.Iiot.Protocols.Coap.Tests.Peers;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

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
        await using var world = await CoapWorld.StartStreamsAsync(MapEcho);
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
    public async Task The_client_posts_asks_pings_and_sends_large_bodies_by_websocket()
    {
        var world = await CoapWorld.StartStreamsAsync(MapEcho);
        await using var client = await CoapClient.ConnectAsync(WebSocket(world, "coap+ws"));
        await client.PingAsync();
        var posts = Enumerable
            .Range(0, 200)
            .Select(_ => client.PostAsync("/telemetry?" + CoapWorld.Token, """{"data":{"n":1}}"""u8.ToArray(), CoapContentFormat.Json));
        Assert.All(await Task.WhenAll(posts), response => Assert.Equal(CoapCode.Changed, response.Code));
        Assert.Equal(200, world.Stored.Count);
        foreach (var length in new[] { 0, 60_000, 200_000 })
        {
            var body = Large[..length];
            var response = await client.PutAsync("/echo?" + CoapWorld.Token, body, CoapContentFormat.OctetStream);
            Assert.Equal(body, response.Payload.ToArray());
        }

        await world.DisposeAsync();
        var error = await Assert.ThrowsAsync<CoapException>(() => client.GetAsync("/time"));
        Assert.Equal(CoapError.ConnectionClosed, error.Error);
    }

    [Fact]
    public async Task A_certificate_stands_for_its_device_by_websocket_over_https()
    {
        using var server = DtlsCredentials.Certificate("localhost");
        using var device = DtlsCredentials.Certificate("localhost");
        ListenOptions? https = null;
        await using var world = await CoapWorld.StartStreamsAsync(services: services =>
            services.Configure<KestrelServerOptions>(kestrel =>
                kestrel.Listen(
                    IPAddress.Loopback,
                    0,
                    listen =>
                    {
                        https = listen;
                        listen.UseHttps(tls =>
                        {
                            tls.ServerCertificate = server;
                            tls.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                            tls.AllowAnyClientCertificate();
                        });
                    }
                )
            )
        );
        world.Certificates.Add(Convert.ToHexString(SHA256.HashData(device.RawData)));
        var uri = new Uri($"coaps+ws://{https!.IPEndPoint}");
        var options = new CoapClientOptions { Certificate = device, ServerCertificateSha256 = SHA256.HashData(server.RawData) };
        await using (var client = await CoapClient.ConnectAsync(uri, options))
        {
            var response = await client.PostAsync("/telemetry", """{"data":{"temp":21.5}}"""u8.ToArray(), CoapContentFormat.Json);
            Assert.Equal(CoapCode.Changed, response.Code);
        }

        options = new CoapClientOptions { ServerCertificateSha256 = SHA256.HashData(device.RawData) };
        var refused = await Assert.ThrowsAsync<CoapException>(() => CoapClient.ConnectAsync(uri, options));
        Assert.Equal(CoapError.NotAuthenticated, refused.Error);
    }

    [Fact]
    public async Task A_server_without_websockets_is_told_from_one_with()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        var tcp = new Uri($"coap+ws://{world.Addresses[1]}");
        var error = await Assert.ThrowsAsync<CoapException>(() => CoapClient.ConnectAsync(tcp));
        Assert.Equal(CoapError.Unreachable, error.Error);
    }

    // RFC 8323 §5.3.1 lets a server take less than a block of 1,024 bytes and its options.
    [Theory]
    [InlineData("20E12180", 1)] // Max-Message-Size 128
    [InlineData("30E1220258", 4)] // 600
    [InlineData("00E1", 5)] // 1,152, as it says nothing: the long query leaves no room for 1,024
    public async Task A_server_of_small_messages_gets_small_blocks(string csm, int exponent)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var accepting = RawStream.AcceptAsync(listener, Convert.FromHexString(csm));
        await using var client = await CoapClient.ConnectAsync(new Uri($"coap+tcp://{listener.LocalEndpoint}"));
        await using var server = await accepting;
        Assert.Equal(Signal.Csm, (await server.NextAsync())!.Code);
        var body = Large[..2000];
        var query = csm == "00E1" ? "&q=" + new string('x', 120) : "";
        var putting = client.PutAsync($"/a?{CoapWorld.Token}{query}", body, CoapContentFormat.OctetStream);
        var received = new List<byte>();
        while (received.Count < body.Length)
        {
            var message = await server.NextAsync();
            Assert.NotNull(message);
            var block = message.Block(CoapOptionNumber.Block1);
            Assert.Equal(exponent, block.SizeExponent);
            received.AddRange(message.Payload);
            var answer = Wire.Request(
                CoapType.NonConfirmable,
                block.HasMore ? CoapCode.Continue : CoapCode.Changed,
                0,
                message.Token,
                "",
                default,
                (CoapOptionNumber.Block1, message.Option(CoapOptionNumber.Block1)!)
            );
            await server.SendAsync(RawStream.Frame(answer));
        }

        Assert.Equal(CoapCode.Changed, (await putting).Code);
        Assert.Equal(body, received);
    }

    [Theory]
    [InlineData("1845")] // followed by a token and an option without its value
    [InlineData("1842")]
    public async Task A_malformed_response_ends_the_connection(string start)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var accepting = RawStream.AcceptAsync(listener, RawStream.Csm);
        await using var client = await CoapClient.ConnectAsync(new Uri($"coap+tcp://{listener.LocalEndpoint}"));
        await using var server = await accepting;
        var asking = client.GetAsync("/a");
        Assert.Equal(Signal.Csm, (await server.NextAsync())!.Code);
        var request = await server.NextAsync();
        await server.SendAsync([.. Convert.FromHexString(start), .. request!.Token, 0x11]);
        var error = await Assert.ThrowsAsync<CoapException>(() => asking);
        Assert.Equal(CoapError.Malformed, error.Error);
        Assert.Equal(Signal.Abort, (await server.NextAsync())!.Code);
    }

    [Fact]
    public async Task Requests_wait_for_a_server_that_holds_the_client_back()
    {
        const int Count = 24;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var accepting = RawStream.AcceptAsync(listener, Convert.FromHexString("40E123200000")); // 2 MiB a message
        await using var client = await CoapClient.ConnectAsync(
            new Uri($"coap+tcp://{listener.LocalEndpoint}"),
            new CoapClientOptions { MaxPendingRequests = Count }
        );
        await using var server = await accepting;
        var body = new byte[1024 * 1024];
        var puts = Enumerable.Range(0, Count).Select(i => client.PutAsync($"/{i}", body, CoapContentFormat.OctetStream)).ToArray();
        var busy = await Assert.ThrowsAsync<CoapException>(() => client.GetAsync("/one-too-many"));
        Assert.Equal(CoapError.Busy, busy.Error);
        var pings = Enumerable.Range(0, Count + 1).Select(_ => client.PingAsync()).ToArray();
        var error = await Assert.ThrowsAsync<CoapException>(() => pings[^1]);
        Assert.Equal(CoapError.Busy, error.Error);
        for (var done = 0; done < Count; )
        {
            var message = await server.NextAsync();
            Assert.NotNull(message);
            if (message.Code == CoapCode.Put)
            {
                Assert.Equal(
                    done.ToString(System.Globalization.CultureInfo.InvariantCulture),
                    System.Text.Encoding.ASCII.GetString(message.Option(CoapOptionNumber.UriPath)!)
                );
                await server.SendAsync([0x08, CoapCode.Changed.Value, .. message.Token]);
                done++;
            }
        }

        Assert.All(await Task.WhenAll(puts), response => Assert.Equal(CoapCode.Changed, response.Code));
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
    public async Task The_client_talks_to_libcoap_by_tls()
    {
        using var certificate = DtlsCredentials.Certificate("localhost");
        var folder = Directory.CreateTempSubdirectory("coap-tls-");
        try
        {
            var file = Path.Combine(folder.FullName, "server.pem");
            using var key = certificate.GetECDsaPrivateKey()!;
            await File.WriteAllTextAsync(file, certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
            await using var server = await LibcoapServer.StartAsync($"-n -c {file}", program: "/usr/bin/coap-server-openssl");
            var uri = new UriBuilder(server.SecureUri) { Scheme = "coaps+tcp" }.Uri;
            var options = new CoapClientOptions { ServerCertificateSha256 = SHA256.HashData(certificate.RawData) };
            await using var client = await CoapClient.ConnectAsync(uri, options);
            await client.PingAsync();
            Assert.Equal(CoapCode.Content, (await client.GetAsync("/time")).Code);
            var body = Large[..50_000];
            Assert.Equal(CoapCode.Created, (await client.PutAsync("/large", body, CoapContentFormat.OctetStream)).Code);
            Assert.Equal(body, (await client.GetAsync("/large")).Payload.ToArray());
        }
        finally
        {
            folder.Delete(recursive: true);
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

    private static void MapEcho(CoapServerOptions coap) =>
        coap.Map("echo")
            .On(CoapCode.Put, (context, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Changed) { Payload = context.Payload }));

    private static Uri WebSocket(CoapWorld world, string scheme) => new UriBuilder(world.WebSocketUri) { Scheme = scheme, Path = "" }.Uri;

    private static Uri Plain(CoapWorld world) => new($"coap+tcp://{world.Addresses[1]}");

    private static Uri Secure(CoapWorld world) => new($"coaps+tcp://{world.Addresses[2]}");
}
