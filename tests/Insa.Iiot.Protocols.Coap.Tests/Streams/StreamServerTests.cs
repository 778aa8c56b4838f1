using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using Insa.Iiot.Ingestion;
using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Streams;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Coap.Tests.Streams;

public sealed class StreamServerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Telemetry_is_stored_when_the_answer_comes()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
        await raw.SendAsync(RawStream.Post("""{"data":{"temp":21.5}}"""));
        var answer = await raw.NextAsync();
        Assert.Equal(CoapCode.Changed, answer!.Code);
        Assert.Equal([7], answer.Token);
        Assert.Equal(("plant", "press", "temp", TelemetryValue.Of(21.5)), Assert.Single(world.Stored));
    }

    [Fact]
    public async Task No_answer_comes_before_the_commit()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
        world.HoldCommits();
        await raw.SendAsync(RawStream.Post("""{"data":{"temp":1}}"""));
        await world.HeldWrite.WaitAsync(Patience);
        var answer = raw.NextAsync();
        Assert.False(answer.IsCompleted);
        world.ReleaseCommits();
        Assert.Equal(CoapCode.Changed, (await answer)!.Code);
    }

    [Fact]
    public async Task Many_requests_are_pipelined_and_cut_anywhere()
    {
        const int Count = 3000;
        await using var world = await CoapWorld.StartStreamsAsync();
        await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
        var all = Enumerable.Range(0, Count).SelectMany(i => RawStream.Post($$$"""{"data":{"n":{{{i}}}}}""", (byte)i)).ToArray();
        var sending = Task.Run(async () =>
        {
            var random = new Random(7);
            for (var i = 0; i < all.Length; )
            {
                var length = Math.Min(random.Next(1, 3000), all.Length - i);
                await raw.SendAsync(all[i..(i + length)]);
                i += length;
            }
        });
        for (var i = 0; i < Count; i++)
            Assert.Equal(CoapCode.Changed, (await raw.NextAsync())!.Code);
        await sending;
        Assert.Equal(Count, world.Stored.Count);
    }

    [Fact]
    public async Task The_credential_decides()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
        await raw.SendAsync(RawStream.Post("""{"data":{"temp":1}}""", path: "telemetry"));
        Assert.Equal(CoapCode.Unauthorized, (await raw.NextAsync())!.Code);
        await raw.SendAsync(RawStream.Post("""{"data":{"temp":1}}""", path: "telemetry?token=press@plant:wrong"));
        Assert.Equal(CoapCode.Unauthorized, (await raw.NextAsync())!.Code);
        await raw.SendAsync(RawStream.Post("""{"data":{"temp":1}}""", path: "telemetry/pump?" + CoapWorld.Token));
        Assert.Equal(CoapCode.Forbidden, (await raw.NextAsync())!.Code);
        await raw.SendAsync(RawStream.Ask(CoapCode.Get, "nowhere", 1));
        Assert.Equal(CoapCode.NotFound, (await raw.NextAsync())!.Code);
        Assert.Empty(world.Stored);
    }

    [Fact]
    public async Task Connections_wait_for_a_credential_however_many_they_are()
    {
        const int Connections = 40;
        await using var world = await CoapWorld.StartStreamsAsync();
        world.HoldAuthentications();
        var raws = new List<RawStream>();
        for (var i = 0; i < Connections; i++)
        {
            raws.Add(await RawStream.OpenAsync(world.Addresses[1]));
            await raws[i].SendAsync(RawStream.Post("""{"data":{"temp":1}}""", 1), RawStream.Post("""{"data":{"temp":2}}""", 2));
        }

        await UntilAsync(() => world.Streams.Endpoint.WaitingConnections == Connections);
        world.ReleaseAuthentications();
        foreach (var raw in raws)
        {
            Assert.Equal(CoapCode.Changed, (await raw.NextAsync())!.Code);
            Assert.Equal(CoapCode.Changed, (await raw.NextAsync())!.Code);
            await raw.DisposeAsync();
        }

        Assert.Equal(1, world.Authentications);
        Assert.Equal(2 * Connections, world.Stored.Count);
    }

    [Fact]
    public async Task What_cannot_be_checked_is_told_to_come_again()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
        world.AuthenticatorIsDown = true;
        await raw.SendAsync(RawStream.Post("""{"data":{"temp":1}}""", 1), RawStream.Post("""{"data":{"temp":2}}""", 2));
        Assert.Equal((CoapCode.ServiceUnavailable, (byte)1), (await raw.NextAsync()) is { } first ? (first.Code, first.Token[0]) : default);
        Assert.Equal(CoapCode.ServiceUnavailable, (await raw.NextAsync())!.Code);
        world.AuthenticatorIsDown = false;
        await raw.SendAsync(RawStream.Post("""{"data":{"temp":3}}""", 3));
        Assert.Equal(CoapCode.Changed, (await raw.NextAsync())!.Code);
    }

    [Fact]
    public async Task A_connection_that_ends_while_its_credential_is_checked_leaves_nothing_behind()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        world.HoldAuthentications();
        await using (var raw = await RawStream.OpenAsync(world.Addresses[1]))
        {
            await raw.SendAsync(RawStream.Post("""{"data":{"temp":1}}"""));
            await UntilAsync(() => world.Streams.Endpoint.WaitingConnections == 1);
        }

        world.ReleaseAuthentications();
        await UntilAsync(() => world.Streams.Endpoint.WaitingConnections == 0);
        await using var other = await RawStream.OpenAsync(world.Addresses[1]);
        await other.SendAsync(RawStream.Post("""{"data":{"temp":2}}"""));
        Assert.Equal(CoapCode.Changed, (await other.NextAsync())!.Code);
        await UntilAsync(() => (world.Streams.Count, world.Streams.Endpoint.PeerCount) == (1, 1));
    }

    // RFC 8323 §5: what a signal is answered with; null is the connection's end, or nothing before the pong that follows.
    [Theory]
    [InlineData("01E242", "E3")] // a ping
    [InlineData("11E24220", "E3")] // with custody
    [InlineData("00E1", null)] // another CSM
    [InlineData("10E180", null)] // with what nobody knows and need not
    [InlineData("10E110", "E5")] // with a critical option that nobody knows
    [InlineData("20E12101", "E5")] // a Max-Message-Size of 1
    [InlineData("20E14101", "E5")] // a Block-Wise-Transfer with a value
    [InlineData("10E210", "E5")] // a ping with a critical option
    [InlineData("10E410", "E5")] // a release with one
    [InlineData("0000", null)] // an empty message
    [InlineData("0045", null)] // a response to nothing
    [InlineData("00FF", null)] // a signal that is not defined
    [InlineData("00E3", null)] // a pong
    [InlineData("10FFFF", "E5")] // a payload marker without a payload
    [InlineData("1001FF", "E5")]
    [InlineData("0F01", "E5")] // a reserved token length
    [InlineData("F00100000001", "E5")] // too large
    public async Task Every_signal_has_its_answer(string message, string? code)
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
        await raw.SendAsync(Convert.FromHexString(message));
        if (code is null)
            await raw.SendAsync(Convert.FromHexString("01E299"));
        var answer = await raw.NextAsync();
        Assert.Equal(code ?? "E3", answer!.Code.Value.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        if (code is null)
            Assert.Equal([0x99], answer.Token);
        if (code == "E5")
            Assert.Null(await raw.NextAsync());
    }

    [Fact]
    public async Task An_abort_names_the_option_that_is_to_blame()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        await using var raw = await RawStream.OpenAsync(world.Addresses[1], greets: false);
        await raw.SendAsync(Convert.FromHexString("20E12101"));
        var abort = await raw.NextAsync();
        Assert.Equal(Signal.Abort, abort!.Code);
        Assert.Equal(2u, abort.UInt(Signal.BadCsmOption));
    }

    [Fact]
    public async Task What_comes_before_the_csm_ends_the_connection()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        await using var raw = await RawStream.OpenAsync(world.Addresses[1], greets: false);
        await raw.SendAsync(RawStream.Post("""{"data":{"temp":1}}"""));
        Assert.Equal(Signal.Abort, (await raw.NextAsync())!.Code);
        Assert.Null(await raw.NextAsync());
        Assert.Empty(world.Stored);
    }

    [Fact]
    public async Task A_release_is_followed_by_the_answers_and_the_end()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
        world.HoldCommits();
        await raw.SendAsync(RawStream.Post("""{"data":{"temp":1}}"""), Convert.FromHexString("00E4"));
        await world.HeldWrite.WaitAsync(Patience);
        world.ReleaseCommits();
        Assert.Equal(CoapCode.Changed, (await raw.NextAsync())!.Code);
        Assert.Null(await raw.NextAsync());
    }

    [Fact]
    public async Task Custody_is_told_when_all_is_answered()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
        await raw.SendAsync(RawStream.Post("""{"data":{"temp":1}}"""), Convert.FromHexString("11E24220"));
        Assert.Equal(CoapCode.Changed, (await raw.NextAsync())!.Code);
        var pong = await raw.NextAsync();
        Assert.Equal(Signal.Pong, pong!.Code);
        Assert.NotNull(pong.Option(Signal.Custody));
    }

    [Fact]
    public async Task A_connection_without_a_csm_or_a_word_is_closed()
    {
        await using var world = await CoapWorld.StartStreamsAsync(isRealTime: false);
        await using var mute = await RawStream.OpenAsync(world.Addresses[1], greets: false);
        await using var idle = await RawStream.OpenAsync(world.Addresses[1]);
        await idle.SendAsync(Convert.FromHexString("01E242"));
        Assert.Equal(Signal.Pong, (await idle.NextAsync())!.Code);
        world.Clock.Advance(TimeSpan.FromSeconds(11));
        await EndAsync(mute);
        await UntilAsync(() => world.Streams.Count == 1);
        world.Clock.Advance(TimeSpan.FromMinutes(6));
        await EndAsync(idle);
    }

    [Fact]
    public async Task A_known_device_that_is_silent_is_asked_first()
    {
        await using var world = await CoapWorld.StartStreamsAsync(isRealTime: false);
        await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
        await raw.SendAsync(RawStream.Post("""{"data":{"temp":1}}"""));
        Assert.Equal(CoapCode.Changed, (await raw.NextAsync())!.Code);
        await raw.SendAsync(Convert.FromHexString("01E241"));
        Assert.Equal(Signal.Pong, (await raw.NextAsync())!.Code);
        world.Clock.Advance(TimeSpan.FromMinutes(5.1));
        var ping = await raw.NextAsync();
        Assert.Equal(Signal.Ping, ping!.Code);
        await raw.SendAsync(Convert.FromHexString("00E3"), Convert.FromHexString("01E242"));
        Assert.Equal(Signal.Pong, (await raw.NextAsync())!.Code);
        world.Clock.Advance(TimeSpan.FromMinutes(4));
        await raw.SendAsync(Convert.FromHexString("01E243"));
        Assert.Equal(Signal.Pong, (await raw.NextAsync())!.Code);
    }

    [Fact]
    public async Task An_observer_is_told_until_its_connection_ends()
    {
        CoapResource? resource = null;
        var state = 0;
        await using var world = await CoapWorld.StartStreamsAsync(coap => resource = MapCounter(coap, () => state));
        await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
        await raw.SendAsync(RawStream.Ask(CoapCode.Get, "count?" + CoapWorld.Token, 9, (CoapOptionNumber.Observe, [])));
        Assert.Equal("0", (await raw.NextAsync())!.Text);
        for (var i = 1; i <= 20; i++)
        {
            state = i;
            resource!.NotifyChanged();
            var told = await raw.NextAsync();
            Assert.Equal(i.ToString(System.Globalization.CultureInfo.InvariantCulture), told!.Text);
            Assert.Equal([9], told.Token);
        }

        await raw.SendAsync(RawStream.Ask(CoapCode.Get, "count?" + CoapWorld.Token, 9, (CoapOptionNumber.Observe, [1])));
        Assert.Null((await raw.NextAsync())!.Option(CoapOptionNumber.Observe));
        Assert.Equal(0, world.Streams.Endpoint.ObserverCount);
    }

    [Fact]
    public async Task A_connection_that_ends_leaves_nothing_behind()
    {
        CoapResource? resource = null;
        await using var world = await CoapWorld.StartStreamsAsync(coap => resource = MapCounter(coap, () => 0));
        await using (var raw = await RawStream.OpenAsync(world.Addresses[1]))
        {
            await raw.SendAsync(RawStream.Ask(CoapCode.Get, "count?" + CoapWorld.Token, 9, (CoapOptionNumber.Observe, [])));
            Assert.Equal("0", (await raw.NextAsync())!.Text);
            Assert.Equal((1, 1, 1), (world.Streams.Count, world.Streams.Endpoint.ObserverCount, world.Streams.Endpoint.PeerCount));
        }

        await UntilAsync(() => (world.Streams.Count, world.Streams.Endpoint.ObserverCount, world.Streams.Endpoint.PeerCount) == (0, 0, 0));
    }

    [Fact]
    public async Task A_client_that_reads_nothing_is_read_no_more_and_gets_all_in_the_end()
    {
        const int Count = 400;
        var body = new byte[60_000];
        var handled = 0;
        await using var world = await CoapWorld.StartStreamsAsync(coap =>
            coap.Map("large")
                .On(
                    CoapCode.Get,
                    (_, _) =>
                    {
                        Interlocked.Increment(ref handled);
                        return ValueTask.FromResult(new CoapResponse(CoapCode.Content) { Payload = body });
                    }
                )
        );
        await using var raw = await RawStream.OpenAsync(world.Addresses[1], greets: false);
        await raw.SendAsync(Convert.FromHexString("40E123010000")); // 64 KiB a message
        var requests = Enumerable.Range(0, Count).Select(i => RawStream.Ask(CoapCode.Get, "large?" + CoapWorld.Token, (byte)i)).ToArray();
        await raw.SendAsync(requests);
        var first = await raw.NextAsync();
        Assert.Equal(body.Length, first!.Payload.Length);
        Assert.InRange(Volatile.Read(ref handled), 1, Count - 1);
        for (var i = 1; i < Count; i++)
            Assert.Equal(body.Length, (await raw.NextAsync())!.Payload.Length);
    }

    [Fact]
    public async Task Who_reads_nothing_is_cut_off_before_all_output_is_taken_and_who_reads_is_not()
    {
        const int Connections = 8;
        const int Count = 500;
        var options = new CoapServerOptions();
        await using var world = await CoapWorld.StartStreamsAsync(coap =>
        {
            options = coap;
            coap.MaxOutputBytes = 1024 * 1024;
            coap.MaxConnections = 100;
            coap.Map("large")
                .On(CoapCode.Get, (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Content) { Payload = new byte[60_000] }));
        });
        using var refusals = new MetricCollector<long>(world.Meters, CoapMetrics.MeterName, "insa.iiot.coap.refusals");
        var raws = new List<RawStream>();
        for (var i = 0; i < Connections; i++)
        {
            raws.Add(await RawStream.OpenAsync(world.Addresses[1], greets: false));
            await raws[i].SendAsync(Convert.FromHexString("40E123010000")); // 64 KiB a message
        }

        await using var reader = await RawStream.OpenAsync(world.Addresses[1]);
        var requests = Enumerable.Range(0, Count).Select(i => RawStream.Ask(CoapCode.Get, "large?" + CoapWorld.Token, (byte)i)).ToArray();
        foreach (var raw in raws)
            await raw.SendAsync(requests);
        await UntilAsync(() =>
            refusals.GetMeasurementSnapshot().Any(refusal => refusal.Tags["reason"] is "output_full")
            && world.Streams.Count < Connections + 1
        );
        Assert.InRange(world.Streams.OutputBudget.Total, 0, options.MaxOutputBytes);
        for (var i = 0; i < 100; i++)
        {
            await reader.SendAsync(RawStream.Post("""{"data":{"temp":1}}"""));
            Assert.Equal(CoapCode.Changed, (await reader.NextAsync())!.Code);
        }

        foreach (var raw in raws)
            await raw.DisposeAsync();
        await UntilAsync(() => world.Streams.Count == 1);
        Assert.Equal(0, world.Streams.OutputBudget.Total);
    }

    [Fact]
    public async Task A_connection_with_much_at_work_is_held_back_and_refused_nothing()
    {
        const int Count = 20_000;
        await using var world = await CoapWorld.StartStreamsAsync();
        await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
        world.HoldCommits();
        var sending = raw.SendAsync([.. Enumerable.Range(0, Count).Select(i => RawStream.Post($$$"""{"data":{"n":{{{i}}}}}"""))]);
        await world.HeldWrite.WaitAsync(Patience);
        world.ReleaseCommits();
        for (var i = 0; i < Count; i++)
            Assert.Equal(CoapCode.Changed, (await raw.NextAsync())!.Code);
        await sending;
    }

    [Fact]
    public async Task A_full_lane_holds_connections_back_and_refuses_nothing()
    {
        const int Connections = 4;
        const int Count = 1000;
        await using var world = await CoapWorld.StartStreamsAsync(services: services =>
            services.Configure<IngestionOptions>(ingestion => ingestion.MaxLaneFrames = 1024)
        );
        world.HoldCommits();
        var raws = new List<RawStream>();
        for (var i = 0; i < Connections; i++)
            raws.Add(await RawStream.OpenAsync(world.Addresses[1]));
        await Task.WhenAll(
            raws.Select(raw => raw.SendAsync([.. Enumerable.Range(0, Count).Select(i => RawStream.Post($$$"""{"data":{"n":{{{i}}}}}"""))]))
        );
        await world.HeldWrite.WaitAsync(Patience);
        world.ReleaseCommits();
        foreach (var raw in raws)
        {
            for (var i = 0; i < Count; i++)
                Assert.Equal(CoapCode.Changed, (await raw.NextAsync())!.Code);
            await raw.DisposeAsync();
        }

        Assert.Equal(Connections * Count, world.Stored.Count);
    }

    [Fact]
    public async Task Options_that_fit_no_datagram_are_refused()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
        var path = string.Join('/', Enumerable.Repeat(new string('x', 200), 9));
        await raw.SendAsync(RawStream.Ask(CoapCode.Get, path, 1), RawStream.Ask(CoapCode.Get, "time", 2));
        Assert.Equal(CoapCode.BadRequest, (await raw.NextAsync())!.Code);
        Assert.Equal(CoapCode.Content, (await raw.NextAsync())!.Code);
    }

    [Fact]
    public async Task Whatever_a_client_sends_only_its_own_connection_ends()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        await using var other = await RawStream.OpenAsync(world.Addresses[1]);
        var random = new Random(11);
        var seeds = new[]
        {
            RawStream.Post("""{"data":{"temp":1}}"""),
            RawStream.Ask(CoapCode.Get, "time", 1),
            RawStream.Ask(CoapCode.Get, ".well-known/core", 2, (CoapOptionNumber.Block2, [0x07])),
            RawStream.Ask(CoapCode.Get, "devices?" + CoapWorld.Token, 3, (CoapOptionNumber.Observe, [])),
            Convert.FromHexString("11E24220"),
            Convert.FromHexString("20E12101"),
        };
        for (var round = 0; round < 300; round++)
        {
            await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
            var bytes = Enumerable.Range(0, 20).SelectMany(_ => seeds[random.Next(seeds.Length)]).ToArray();
            for (var i = random.Next(4); i > 0; i--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                await raw.SendAsync(bytes);
            }
            catch (IOException)
            {
                // It was cut off meanwhile.
            }
        }

        await other.SendAsync(RawStream.Ask(CoapCode.Get, "time", 2));
        Assert.Equal(CoapCode.Content, (await other.NextAsync())!.Code);
        await UntilAsync(() => world.Streams.Count == 1);
        Assert.DoesNotContain(world.Logs.Collector.GetSnapshot(), record => record.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
    }

    [Fact]
    public async Task One_connection_too_many_is_closed()
    {
        await using var world = await CoapWorld.StartStreamsAsync(coap => coap.MaxConnections = 1);
        await using var raw = await RawStream.OpenAsync(world.Addresses[1]);
        using var second = new System.Net.Sockets.TcpClient();
        await second.ConnectAsync(world.Addresses[1]);
        Assert.Equal(0, await second.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(Patience));
        await raw.SendAsync(Convert.FromHexString("01E242"));
        Assert.Equal(Signal.Pong, (await raw.NextAsync())!.Code);
    }

    [Fact]
    public async Task A_connection_counts_before_its_handshake()
    {
        using var certificate = Dtls.DtlsCredentials.Certificate("localhost");
        await using var world = await CoapWorld.StartStreamsAsync(coap => coap.MaxConnections = 1, certificate);
        using var one = new TcpClient();
        using var other = new TcpClient();
        await one.ConnectAsync(world.Addresses[2]);
        await other.ConnectAsync(world.Addresses[2]);
        var oneEnds = one.Client.ReceiveAsync(Memory<byte>.Empty).AsTask();
        var otherEnds = other.Client.ReceiveAsync(Memory<byte>.Empty).AsTask();
        var ended = await Task.WhenAny(oneEnds, otherEnds).WaitAsync(Patience);
        using var tls = new SslStream((ended == oneEnds ? other : one).GetStream(), false, (_, shown, _, _) => certificate.Equals(shown));
        await tls.AuthenticateAsClientAsync("localhost").WaitAsync(Patience);
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("coap");
        socket.Options.CollectHttpResponseDetails = true;
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(world.WebSocketUri, default));
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, socket.HttpStatusCode);
    }

    [Fact]
    public async Task A_websocket_takes_a_message_of_the_length_it_announces_and_none_longer()
    {
        const int Most = 64 * 1024;
        await using var world = await CoapWorld.StartStreamsAsync(coap =>
            coap.Map("length")
                .On(
                    CoapCode.Put,
                    (context, _) =>
                        ValueTask.FromResult(
                            new CoapResponse(CoapCode.Changed) { Payload = new byte[] { (byte)(context.Payload.Length & 0xFF) } }
                        )
                )
        );
        using var socket = await ConnectAsync(world);
        var start = RawStream.Ask(CoapCode.Put, "length?" + CoapWorld.Token, 9);
        byte[] head = [(byte)(start[0] & 0x0F), .. start.AsSpan(start[0] >> 4 == 13 ? 2 : 1), 0xFF];
        byte[] message = [.. head, .. new byte[Most - head.Length]];
        await socket.SendAsync(message, WebSocketMessageType.Binary, true, default);
        var buffer = new byte[1024];
        await socket.ReceiveAsync(buffer.AsMemory(), default).AsTask().WaitAsync(Patience);
        Assert.Equal(CoapCode.Changed.Value, buffer[1]);
        await socket.SendAsync((byte[])[.. message, 0], WebSocketMessageType.Binary, true, default);
        await socket.ReceiveAsync(buffer.AsMemory(), default).AsTask().WaitAsync(Patience);
        Assert.Equal(Signal.Abort.Value, buffer[1]);
    }

    [Fact]
    public async Task WebSocket_takes_the_same_messages()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("coap");
        await socket.ConnectAsync(world.WebSocketUri, default);
        Assert.Equal("coap", socket.SubProtocol);
        var buffer = new byte[1024];
        var csm = await socket.ReceiveAsync(buffer.AsMemory(), default);
        Assert.Equal((0x00, 0xE1), (buffer[0], buffer[1]));
        Assert.True(csm.EndOfMessage);
        await socket.SendAsync(RawStream.Csm, WebSocketMessageType.Binary, true, default);

        // Without a length, as the message has one (RFC 8323 §4.2); and in two frames.
        var datagram = Wire.Request(
            Insa.Iiot.Protocols.Coap.Messages.CoapType.NonConfirmable,
            CoapCode.Post,
            0,
            [7],
            "telemetry?" + CoapWorld.Token,
            """{"data":{"temp":21.5}}"""u8
        );
        byte[] message = [(byte)(datagram[0] & 0x0F), datagram[1], .. datagram.AsSpan(4)];
        await socket.SendAsync(message[..9], WebSocketMessageType.Binary, false, default);
        await socket.SendAsync(message[9..], WebSocketMessageType.Binary, true, default);
        var answer = await socket.ReceiveAsync(buffer.AsMemory(), default);
        Assert.Equal([0x01, 0x44, 0x07], buffer[..answer.Count]);
        Assert.Equal(("plant", "press", "temp", TelemetryValue.Of(21.5)), Assert.Single(world.Stored));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
    }

    [Theory]
    [InlineData("11E1")] // with a length of its own
    [InlineData("00")] // no code
    [InlineData("0844616263")] // less than its token
    [InlineData("0F44")] // a token of no length
    public async Task What_is_no_message_ends_a_websocket_with_an_abort(string hex)
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        using var socket = await ConnectAsync(world);
        await socket.SendAsync(Convert.FromHexString(hex), WebSocketMessageType.Binary, true, default);
        var buffer = new byte[1024];
        var answer = await socket.ReceiveAsync(buffer.AsMemory(), default).AsTask().WaitAsync(Patience);
        Assert.Equal((0x00, Signal.Abort.Value), (buffer[0], buffer[1]));
        Assert.Contains("no message", System.Text.Encoding.ASCII.GetString(buffer, 0, answer.Count), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_ends_a_websocket_with_an_abort()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        using var socket = await ConnectAsync(world);
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, default);
        var buffer = new byte[1024];
        await socket.ReceiveAsync(buffer.AsMemory(), default).AsTask().WaitAsync(Patience);
        Assert.Equal((0x00, Signal.Abort.Value), (buffer[0], buffer[1]));
    }

    [Fact]
    public async Task A_websocket_that_is_cut_within_a_long_message_leaves_the_others_theirs()
    {
        await using var world = await CoapWorld.StartStreamsAsync();
        for (var i = 0; i < 20; i++)
        {
            using var cut = await ConnectAsync(world);
            await cut.SendAsync(new byte[5_000], WebSocketMessageType.Binary, false, default);
            cut.Abort();
        }

        await UntilAsync(() => world.Streams.Count == 0);
        var raws = new List<RawStream>();
        for (var i = 0; i < 8; i++)
            raws.Add(await RawStream.OpenAsync(world.Addresses[1]));
        await Task.WhenAll(raws.Select((raw, i) => raw.SendAsync(RawStream.Post($$$"""{"data":{"temp":{{{i}}}}}""", (byte)i))));
        foreach (var raw in raws)
        {
            Assert.Equal(CoapCode.Changed, (await raw.NextAsync())!.Code);
            await raw.DisposeAsync();
        }

        Assert.Equal(
            Enumerable.Range(0, 8).Select(i => TelemetryValue.Of((double)i)),
            world.Stored.Select(stored => stored.Item4).OrderBy(value => value.AsDouble())
        );
    }

    [Fact]
    public async Task A_client_that_takes_less_than_an_answer_gets_none_and_is_served_on()
    {
        CoapResource? resource = null;
        await using var world = await CoapWorld.StartStreamsAsync(coap => resource = MapCounter(coap, () => 1));
        await using var raw = await RawStream.OpenAsync(world.Addresses[1], greets: false);
        await raw.SendAsync(Convert.FromHexString("20E12140")); // Max-Message-Size 64
        var token = Enumerable.Repeat((byte)1, 60).ToArray();
        (int, byte[])[][] asked =
        [
            [],
            [(CoapOptionNumber.Observe, [])],
        ];
        foreach (var options in asked)
            await raw.SendAsync(
                RawStream.Frame(
                    Wire.Request(
                        Insa.Iiot.Protocols.Coap.Messages.CoapType.NonConfirmable,
                        CoapCode.Get,
                        0,
                        token,
                        "count?" + CoapWorld.Token,
                        default,
                        options
                    )
                )
            );
        resource!.NotifyChanged();
        await raw.SendAsync(RawStream.Ask(CoapCode.Get, "count?" + CoapWorld.Token, 9));
        var answer = await raw.NextAsync();
        Assert.Equal(("1", (byte)9), (answer!.Text, answer.Token[0]));
        Assert.DoesNotContain(world.Logs.Collector.GetSnapshot(), record => record.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData("30E1222000", 6)] // takes more than one block may have, and says nothing of several
    [InlineData("40E122200020", 7)] // and several
    public async Task Several_blocks_in_one_message_are_for_who_announced_to_take_them(string csm, int exponent)
    {
        await using var world = await CoapWorld.StartStreamsAsync(coap =>
            coap.Map("large")
                .On(CoapCode.Get, (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Content) { Payload = new byte[20_000] }))
        );
        await using var raw = await RawStream.OpenAsync(world.Addresses[1], greets: false);
        await raw.SendAsync(Convert.FromHexString(csm));
        await raw.SendAsync(RawStream.Ask(CoapCode.Get, "large?" + CoapWorld.Token, 9));
        Assert.Equal(exponent, (int)((await raw.NextAsync())!.UInt(CoapOptionNumber.Block2)! & 7));
    }

    [Fact]
    public async Task A_host_without_kestrel_says_that_tcp_needs_it()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            CoapWorld.StartAsync(coap => coap.Listeners.Add(new CoapListenerOptions { IsPlain = true, Transport = CoapTransport.Tcp }))
        );
        Assert.Contains("Kestrel", error.Message, StringComparison.Ordinal);
    }

    internal static CoapResource MapCounter(CoapServerOptions coap, Func<int> state)
    {
        var resource = coap.Map("count");
        resource.IsObservable = true;
        return resource.On(
            CoapCode.Get,
            (_, _) =>
                ValueTask.FromResult(
                    new CoapResponse(CoapCode.Content)
                    {
                        Payload = System.Text.Encoding.UTF8.GetBytes(state().ToString(System.Globalization.CultureInfo.InvariantCulture)),
                    }
                )
        );
    }

    private static async Task<ClientWebSocket> ConnectAsync(CoapWorld world)
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("coap");
        await socket.ConnectAsync(world.WebSocketUri, default);
        await socket.ReceiveAsync(new byte[1024].AsMemory(), default);
        await socket.SendAsync(RawStream.Csm, WebSocketMessageType.Binary, true, default);
        return socket;
    }

    private static async Task EndAsync(RawStream raw)
    {
        while (await raw.NextAsync() is not null)
        {
            // What it was told before.
        }
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        using var patience = new CancellationTokenSource(Patience);
        while (!isSo())
            await pace.WaitForNextTickAsync(patience.Token);
    }
}
