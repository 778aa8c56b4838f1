using System.Net;
using Insa.Iiot.Protocols.Coap.Dtls;
using Insa.Iiot.Protocols.Coap.Transport;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.Coap.Tests.Dtls;

public sealed class DtlsServerTests
{
    [Fact]
    public void Ten_thousand_spoofed_hellos_leave_no_state_and_get_less_than_they_sent()
    {
        var sender = new CountingSender();
        using var host = new DtlsHost();
        using var server = new DtlsServer(
            sender,
            host,
            host.Settings(),
            new FakeTimeProvider { AutoAdvanceAmount = TimeSpan.FromMilliseconds(1) }
        );
        var hello = RawClient.Hello();
        for (var i = 0; i < 10_000; i++)
            server.Receive(PeerAddress.From(new IPEndPoint(i + 1, 5684)), hello);
        server.Tick();

        Assert.Equal(0, server.HandshakeCount);
        Assert.Equal(0, server.SessionCount);
        Assert.Equal(10_000, sender.Count);
        Assert.True(sender.Bytes <= 10_000L * hello.Length, $"{sender.Bytes} for {10_000L * hello.Length}");
    }

    [Fact]
    public void More_hellos_than_the_rate_allows_are_dropped_unread()
    {
        var sender = new CountingSender();
        var time = new FakeTimeProvider();
        using var host = new DtlsHost();
        var settings = new DtlsServerSettings
        {
            Authenticator = host.Credentials,
            Keys = host.Credentials,
            MaxHellosPerSecond = 100,
            Refused = host.Refusals.Enqueue,
        };
        using var server = new DtlsServer(sender, host, settings, time);
        var hello = RawClient.Hello();
        for (var i = 0; i < 50; i++)
            server.Receive(PeerAddress.From(new IPEndPoint(i + 1, 5684)), hello);
        Assert.Equal(10, sender.Count);
        Assert.Equal(40, host.Refusals.Count(reason => reason == DtlsRefusal.HelloRate));

        time.Advance(TimeSpan.FromMilliseconds(100));
        server.Receive(PeerAddress.From(new IPEndPoint(1, 5684)), hello);
        Assert.Equal(11, sender.Count);
    }

    [Fact]
    public void A_cookie_is_good_for_its_address_only_and_outlives_one_change_of_the_secret()
    {
        var sender = new CountingSender();
        var time = new FakeTimeProvider();
        using var host = new DtlsHost();
        using var server = new DtlsServer(sender, host, host.Settings(), time);
        var peer = PeerAddress.From(new IPEndPoint(1, 5684));
        var hello = RawClient.Hello();
        server.Receive(peer, hello);
        var withCookie = RawClient.WithCookie(hello, sender.Last!);

        server.Receive(PeerAddress.From(new IPEndPoint(2, 5684)), withCookie);
        Assert.Equal(0, server.HandshakeCount);
        time.Advance(TimeSpan.FromMinutes(6));
        server.Receive(peer, withCookie);
        Assert.Equal(1, server.HandshakeCount);
        time.Advance(TimeSpan.FromMinutes(6));
        server.Tick();
        Assert.Equal(0, server.HandshakeCount);
        server.Receive(peer, withCookie);
        Assert.Equal(0, server.HandshakeCount);
    }

    [Fact]
    public async Task A_half_open_handshake_ends_at_its_deadline()
    {
        var time = new FakeTimeProvider();
        using var host = new DtlsHost(time: time);
        using var client = new RawClient(host.EndPoint);
        await client.HalfOpen();
        await host.Until(server => server.HandshakeCount == 1);
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(1, await host.On(server => server.HandshakeCount));
        time.Advance(TimeSpan.FromSeconds(2));
        await host.Until(server => server.HandshakeCount == 0);
        Assert.Equal([DtlsRefusal.HandshakeTimeout], host.Refusals);
    }

    [Fact]
    public async Task Established_traffic_goes_on_while_all_handshakes_are_stuck()
    {
        var time = new FakeTimeProvider();
        var stuck = new TaskCompletionSource();
        using var host = new DtlsHost(
            settings => new DtlsServerSettings
            {
                Authenticator = settings.Authenticator,
                Keys = settings.Keys,
                Refused = settings.Refused,
                WakeAddress = settings.WakeAddress,
                MaxHandshakes = 8,
                HandshakeWorkers = 1,
            },
            time
        );
        using var client = await host.Connect();
        Assert.Equal("000 before", await client.Echo("000 before"));

        // Four wait for their client, four for the store of keys.
        host.Credentials.Hold = stuck.Task;
        var silent = new List<RawClient>();
        for (var i = 0; i < 4; i++)
        {
            silent.Add(new RawClient(host.EndPoint));
            await silent[i].HalfOpen();
        }

        var waiting = Enumerable.Range(0, 4).Select(_ => host.Connect()).ToArray();
        await host.Until(server => server.HandshakeCount == 8);
        using var late = new RawClient(host.EndPoint);
        await late.HalfOpen();
        await host.Until(_ => host.Refusals.Contains(DtlsRefusal.HandshakesFull));
        for (var i = 0; i < 100; i++)
            Assert.Equal($"000 {i}", await client.Echo($"000 {i}"));

        // Those that have had their time give way.
        time.Advance(TimeSpan.FromSeconds(3));
        await late.HalfOpen();
        await host.Until(_ => host.Refusals.Contains(DtlsRefusal.HandshakeTimeout));
        stuck.SetResult();
        foreach (var connecting in waiting)
        {
            try
            {
                (await connecting).Dispose();
            }
            catch (Exception e) when (e is TimeoutException or System.Security.Authentication.AuthenticationException)
            {
                // The one that gave way.
            }
        }

        silent.ForEach(raw => raw.Dispose());
    }

    [Fact]
    public async Task A_session_with_a_connection_id_follows_its_client_to_another_address()
    {
        using var host = new DtlsHost();
        using var client = await host.Connect();
        Assert.Equal("000 here", await client.Echo("000 here"));
        var former = client.Transport.LocalEndPoint;
        client.Transport.Rebind();
        Assert.NotEqual(former, client.Transport.LocalEndPoint);
        Assert.Equal("000 there", await client.Echo("000 there"));

        var session = Assert.Single(host.Seen).Value;
        Assert.Equal(PeerAddress.From(client.Transport.LocalEndPoint), session.Address);
        Assert.Same(session, Assert.Single(host.Moves));
    }

    [Fact]
    public async Task A_session_without_a_connection_id_is_not_found_from_elsewhere()
    {
        using var host = new DtlsHost();
        using var client = await host.Connect(new DtlsClientSettings { Psk = DtlsCredentials.Psk, UseConnectionId = false });
        Assert.Equal("000 here", await client.Echo("000 here"));
        client.Transport.Rebind();
        Assert.True(client.Transport.Send("000 there"u8));
        using var other = await host.Connect();
        Assert.Equal("000 other", await other.Echo("000 other"));

        Assert.Empty(host.Moves);
        Assert.Equal(2, host.Seen.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_hello_from_the_address_of_a_session_does_not_end_it(bool showsCookie)
    {
        var time = new FakeTimeProvider();
        using var host = new DtlsHost(time: time);
        using var client = await host.Connect(new DtlsClientSettings { Psk = DtlsCredentials.Psk, UseConnectionId = false });
        Assert.Equal("000 before", await client.Echo("000 before"));

        var port = client.Transport.LocalEndPoint;
        var hello = RawClient.Hello();
        if (showsCookie)
            hello = RawClient.WithCookie(hello, await CookieFor(host, PeerAddress.From(port), hello));
        await host.On(server =>
        {
            server.Receive(PeerAddress.From(port), hello);
            return true;
        });
        Assert.Equal(showsCookie ? 1 : 0, await host.On(server => server.HandshakeCount));
        Assert.Equal("000 meanwhile", await client.Echo("000 meanwhile"));
        time.Advance(TimeSpan.FromSeconds(11));
        await host.Until(server => server.HandshakeCount == 0);
        Assert.Equal("000 after", await client.Echo("000 after"));
        Assert.Single(host.Seen);
        Assert.Empty(host.ClosedSessions);
    }

    [Fact]
    public async Task A_new_session_takes_the_place_of_one_at_its_address_when_it_is_done()
    {
        using var host = new DtlsHost();
        using var client = await host.Connect(new DtlsClientSettings { Psk = DtlsCredentials.Psk, UseConnectionId = false });
        Assert.Equal("000 first", await client.Echo("000 first"));
        var first = Assert.Single(host.Seen).Value;

        // From the same port a client begins anew, as a device does that has lost its power.
        var port = client.Transport.LocalEndPoint;
        client.Transport.Rebind();
        using var again = await host.Connect(new DtlsClientSettings { Psk = DtlsCredentials.Psk, LocalEndPoint = port });
        Assert.Equal("000 second", await again.Echo("000 second"));
        Assert.Same(first, Assert.Single(host.ClosedSessions));
        Assert.Equal(1, await host.On(server => server.SessionCount));
    }

    [Fact]
    public async Task Close_is_told_to_the_other_side_by_each()
    {
        using var host = new DtlsHost();
        var first = await host.Connect();
        Assert.Equal("000 a", await first.Echo("000 a"));
        first.Dispose();
        await host.Until(server => server.SessionCount == 0);
        Assert.Single(host.ClosedSessions);

        using var second = await host.Connect();
        Assert.Equal("000 b", await second.Echo("000 b"));
        var session = host.Seen.Values.Single(session => session.Address == PeerAddress.From(second.Transport.LocalEndPoint));
        session.Close();
        await second.Transport.Closed.WaitAsync(DtlsHost.Patience);
        await host.Until(server => server.SessionCount == 0);
        Assert.False(session.Send("000 c"u8));
        Assert.Equal(2, host.ClosedSessions.Count);
    }

    [Fact]
    public async Task When_all_sessions_are_taken_the_one_idle_longest_gives_way_or_the_new_one_waits()
    {
        var time = new FakeTimeProvider();
        using var host = new DtlsHost(
            settings => new DtlsServerSettings
            {
                Authenticator = settings.Authenticator,
                Keys = settings.Keys,
                Refused = settings.Refused,
                WakeAddress = settings.WakeAddress,
                MaxSessions = 2,
            },
            time
        );
        using var idle = await host.Connect();
        Assert.Equal("000 a", await idle.Echo("000 a"));
        time.Advance(TimeSpan.FromSeconds(20));
        using var busy = await host.Connect();
        Assert.Equal("000 b", await busy.Echo("000 b"));
        using var refused = new RawClient(host.EndPoint);
        await refused.HalfOpen();
        await host.Until(_ => host.Refusals.Contains(DtlsRefusal.SessionsFull));

        time.Advance(TimeSpan.FromSeconds(20));
        using var third = await host.Connect();
        Assert.Equal("000 c", await third.Echo("000 c"));
        Assert.Equal("000 b", await busy.Echo("000 b"));
        await idle.Transport.Closed.WaitAsync(DtlsHost.Patience);
        Assert.Equal(2, await host.On(server => server.SessionCount));

        time.Advance(TimeSpan.FromHours(25));
        await host.Until(server => server.SessionCount == 0);
    }

    [Fact]
    public async Task Garbage_and_mutations_neither_throw_nor_end_a_session()
    {
        var count = int.TryParse(Environment.GetEnvironmentVariable("DTLS_FUZZ"), out var chosen) ? chosen : 100_000;
        var seed = int.TryParse(Environment.GetEnvironmentVariable("DTLS_SEED"), out var given) ? given : Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}, {count} datagrams");
        var random = new Random(seed);
        using var host = new DtlsHost();
        using var client = await host.Connect(new DtlsClientSettings { Psk = DtlsCredentials.Psk, UseConnectionId = false });
        using var moving = await host.Connect();
        Assert.Equal("000 before", await client.Echo("000 before"));
        Assert.Equal("000 before", await moving.Echo("000 before"));
        var addresses = host.Seen.Values.Select(session => session.Address).Append(PeerAddress.From(new IPEndPoint(77, 77))).ToArray();
        var id = host.Seen.Values.Single(session => session.HasConnectionId).ConnectionId.ToArray();
        byte[][] seeds =
        [
            RawClient.Hello(),
            [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 1, 0, 14, 16, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 2, 1, 1],
            [20, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1],
            [21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 40],
            [23, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 1, 0, 0, 40, .. new byte[40]],
            [25, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 1, 0, .. id, 0, 40, .. new byte[40]],
        ];
        await host.On(server =>
        {
            for (var i = 0; i < count; i++)
            {
                var datagram = Mutate(random, seeds[random.Next(seeds.Length)]);
                server.Receive(addresses[random.Next(addresses.Length)], datagram);
                if (i % 100 == 0)
                    server.Tick();
            }

            return true;
        });

        // A flood of forgeries may hold a session's own records up for a moment.
        await host.Until(server => server.HandshakeCount == 0);
        await Patiently(client);
        await Patiently(moving);
        Assert.Empty(host.ClosedSessions);
        Assert.Null(host.Failure);
    }

    [Fact]
    public async Task A_running_handshake_is_not_ended_by_headers_that_anybody_can_forge()
    {
        var hold = new TaskCompletionSource();
        using var host = new DtlsHost();
        host.Credentials.Hold = hold.Task;
        var address = default(PeerAddress);
        host.Tap = (to, datagram) => address = datagram.Length > 0 ? to : address;
        var connecting = host.Connect();
        await host.Until(server => server.HandshakeCount == 1);
        byte[][] forged =
        [
            [22, 3, 3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1],
            [99, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1],
            [23, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 1],
            [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 14, 16, 0xFF, 0xFF, 0xFF, 0, 7, 0, 0, 0, 0, 0, 2, 1, 1],
        ];
        await host.On(server =>
        {
            foreach (var datagram in forged)
                server.Receive(address, datagram);
            return true;
        });
        hold.SetResult();
        using var client = await connecting;
        Assert.Equal("000 there", await client.Echo("000 there"));
    }

    /// <summary>Sends until something comes back, as CoAP would.</summary>
    private static async Task Patiently(DtlsClient client)
    {
        var receiving = client.Receive();
        while (!receiving.IsCompleted)
        {
            Assert.True(client.Transport.Send("000 after"u8));
            await Task.WhenAny(receiving, Task.Delay(TimeSpan.FromMilliseconds(200)));
        }

        Assert.Equal("000 after", System.Text.Encoding.ASCII.GetString(await receiving));
    }

    private static async Task<byte[]> CookieFor(DtlsHost host, PeerAddress peer, byte[] hello)
    {
        // The server answers to that address, where the client's socket is not asked for it: so look at what it would send.
        var taken = new TaskCompletionSource<byte[]>();
        host.Tap = (to, datagram) =>
        {
            if (to == peer)
                taken.TrySetResult(datagram);
        };
        await host.On(server =>
        {
            server.Receive(peer, hello);
            return true;
        });
        return await taken.Task.WaitAsync(DtlsHost.Patience);
    }

    private static byte[] Mutate(Random random, byte[] seed)
    {
        byte[] bytes = [.. seed];
        if (random.Next(4) == 0)
        {
            bytes = new byte[random.Next(1, 200)];
            random.NextBytes(bytes);
            return bytes;
        }

        for (var i = random.Next(4); i > 0; i--)
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        if (random.Next(4) == 0)
            bytes = bytes[..random.Next(bytes.Length)];
        if (random.Next(4) == 0)
            bytes = [.. bytes, .. seed];
        return bytes;
    }

    private sealed class CountingSender : IDatagramSender
    {
        public int Count { get; private set; }

        public long Bytes { get; private set; }

        public byte[]? Last { get; private set; }

        public void Send(in PeerAddress peer, ReadOnlySpan<byte> datagram)
        {
            Count++;
            Bytes += datagram.Length;
            Last = datagram.ToArray();
        }
    }
}
