using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Oscore;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Tests.Oscore;

/// <summary>The server's side of RFC 8613: freshness, replays, duplicates and restarts.</summary>
public sealed class OscoreListenerTests
{
    private static readonly byte[] Reading = """{"data":{"n":1}}"""u8.ToArray();

    [Fact]
    public async Task A_device_shows_once_that_it_is_of_now_and_its_readings_are_stored_as_its_own()
    {
        await using var world = await OscoreWorld.StartAsync();
        using var device = new OscoreDevice(CoapWorld.Psk);
        var first = await world.ExchangeAsync(device, device.Protect(1, CoapCode.Post, "telemetry", Reading));
        Assert.Equal(CoapCode.Changed, first.Code); // outside, all responses look like this
        var challenge = device.Open(first)!;
        Assert.Equal(CoapCode.Unauthorized, challenge.Code);
        Assert.Empty(world.Coap.Stored);

        var echo = challenge.Option(CoapOptionNumber.Echo);
        var second = await world.ExchangeAsync(device, device.Protect(2, CoapCode.Post, "telemetry", Reading, echo: echo));
        Assert.Equal((CoapCode.Changed, (ushort)2), (device.Open(second)!.Code, second.Id));
        Assert.Equal(
            CoapCode.Changed,
            device.Open(await world.ExchangeAsync(device, device.Protect(3, CoapCode.Post, "telemetry", Reading)))!.Code
        );
        Assert.Equal([("plant", "press"), ("plant", "press")], world.Coap.Stored.Select(row => (row.Tenant, row.Device)));
        Assert.All(world.Heard, sent => Assert.True(OscoreDevice.NumberOf(sent) >= 0));
    }

    [Theory]
    [InlineData("telemetry")]
    [InlineData("time")]
    public async Task A_request_that_is_sent_again_gets_the_same_bytes_again(string path)
    {
        await using var world = await OscoreWorld.StartAsync();
        using var device = new OscoreDevice(CoapWorld.Psk);
        await world.PostAsync(device, 0);
        var method = path == "time" ? CoapCode.Get : CoapCode.Post;
        var datagram = device.Protect(50, method, path, path == "time" ? [] : Reading);
        var first = await world.ExchangeAsync(device, datagram);
        world.Pass(TimeSpan.FromSeconds(2));
        var second = await world.ExchangeAsync(device, datagram);
        Assert.Equal(first.Datagram, second.Datagram);
        Assert.Equal(path == "time" ? 1 : 2, world.Coap.Stored.Count);

        // Not for ever, and not for who only wants to be sent much.
        for (var i = 0; i < 20; i++)
            world.Receive(device, datagram);
        var repeats = 0;
        while (world.Wire.Next() is not null)
            repeats++;
        Assert.Equal(7, repeats);
    }

    [Fact]
    public async Task A_duplicate_of_what_waits_for_its_commit_is_acknowledged_and_not_stored_twice()
    {
        await using var world = await OscoreWorld.StartAsync();
        using var device = new OscoreDevice(CoapWorld.Psk);
        await world.PostAsync(device, 0);
        world.Coap.HoldCommits();
        var datagram = device.Protect(60, CoapCode.Post, "telemetry", Reading);
        world.Receive(device, datagram);
        world.Receive(device, datagram);
        Assert.Null(world.Wire.Next());
        world.Pass(TimeSpan.FromSeconds(1.2));
        var acknowledgement = await world.NextAsync();
        Assert.Equal((CoapType.Acknowledgement, default, (ushort)60), (acknowledgement.Type, acknowledgement.Code, acknowledgement.Id));
        Assert.Equal(acknowledgement.Datagram, (await world.ExchangeAsync(device, datagram)).Datagram);

        world.Coap.ReleaseCommits();
        var separate = await world.NextAsync();
        Assert.Equal(CoapType.Confirmable, separate.Type);
        Assert.Equal(CoapCode.Changed, device.Open(separate)!.Code);
        world.Pass(TimeSpan.FromSeconds(4));
        Assert.Equal(separate.Datagram, (await world.NextAsync()).Datagram); // not acknowledged yet, so sent again as it was
        world.Receive(device, Wire.Empty(CoapType.Acknowledgement, separate.Id));
        world.Pass(TimeSpan.FromSeconds(60));
        Assert.Null(world.Wire.Next());
        Assert.Equal(2, world.Coap.Stored.Count);
    }

    [Fact]
    public async Task A_replay_is_refused_whatever_its_message_id()
    {
        await using var world = await OscoreWorld.StartAsync();
        using var device = new OscoreDevice(CoapWorld.Psk);
        await world.PostAsync(device, 0);
        var datagram = device.Protect(70, CoapCode.Post, "telemetry", Reading);
        await world.ExchangeAsync(device, datagram);
        datagram[3] ^= 0xFF;
        AssertRefused(await world.ExchangeAsync(device, datagram));
        datagram[3] ^= 0xFF;

        // Once it is too late for a duplicate, so is the very same message; and one that is older than the window.
        world.Pass(TimeSpan.FromSeconds(250));
        AssertRefused(await world.ExchangeAsync(device, datagram));
        Assert.Equal(2, world.Coap.Stored.Count);
    }

    [Fact]
    public async Task A_message_id_that_a_device_takes_again_after_it_began_anew_is_a_new_message()
    {
        await using var world = await OscoreWorld.StartAsync();
        using var device = new OscoreDevice(CoapWorld.Psk);
        await world.PostAsync(device, 0);
        await world.ExchangeAsync(device, device.Protect(80, CoapCode.Post, "telemetry", Reading));
        var answer = device.Open(await world.ExchangeAsync(device, device.Protect(80, CoapCode.Post, "telemetry", Reading)))!;
        Assert.Equal((CoapCode.Changed, (ushort)80), (answer.Code, answer.Id));
        Assert.Equal(3, world.Coap.Stored.Count);
    }

    [Fact]
    public async Task After_a_restart_nothing_old_is_taken_and_no_number_is_used_again()
    {
        await using var world = await OscoreWorld.StartAsync();
        using var device = new OscoreDevice(CoapWorld.Psk);
        var challenge = device.Open(await world.ExchangeAsync(device, device.Protect(1, CoapCode.Get, "time")))!;
        var proved = device.Protect(2, CoapCode.Post, "telemetry", Reading, echo: challenge.Option(CoapOptionNumber.Echo));
        await world.ExchangeAsync(device, proved);
        var later = device.Protect(3, CoapCode.Post, "telemetry", Reading);
        await world.ExchangeAsync(device, later);
        world.Restart();

        // Not even the one with an Echo: that was of a context that is no more.
        foreach (var old in new[] { proved, later, proved })
        {
            var answer = device.Open(await world.ExchangeAsync(device, old))!;
            Assert.Equal(CoapCode.Unauthorized, answer.Code);
        }

        Assert.Equal(2, world.Coap.Stored.Count);
        Assert.Equal(CoapCode.Changed, (await world.PostAsync(device, 5)).Code);
        Assert.Equal(CoapCode.Unauthorized, device.Open(await world.ExchangeAsync(device, proved))!.Code);
        Assert.Equal(3, world.Coap.Stored.Count);
        var numbers = world.Heard.Select(OscoreDevice.NumberOf).Where(number => number >= 0).ToList();
        Assert.Equal(numbers.Count, numbers.Distinct().Count());
    }

    [Fact]
    public async Task A_wrong_key_an_unknown_device_and_another_tenants_device_look_the_same()
    {
        await using var world = await OscoreWorld.StartAsync();
        var other = new DevicePsk("press@rival", new byte[32]);
        world.Coap.Keys[other.Identity] = other;
        using var wrongKey = new OscoreDevice(new DevicePsk("press@plant", new byte[32]));
        using var unknown = new OscoreDevice(new DevicePsk("ghost@plant", new byte[32]));
        using var forged = new OscoreDevice(other, claims: "press@plant");
        using var invalid = new OscoreDevice(new DevicePsk("nobody", new byte[32]));
        using var otherKid = new OscoreDevice(CoapWorld.Psk, kid: [9]);
        var answers = new List<byte[]>();
        foreach (var device in new[] { wrongKey, unknown, forged, invalid, otherKid })
            answers.Add((await world.ExchangeAsync(device, device.Protect(1, CoapCode.Post, "telemetry", Reading))).Datagram);
        Assert.All(answers, answer => Assert.Equal(answers[0], answer));
        AssertRefused(new Sent((Wire.Near, answers[0])));
        Assert.Equal(0, world.Listener.SessionCount);

        // Nor can it be told once the device is there.
        using var device2 = new OscoreDevice(CoapWorld.Psk);
        await world.PostAsync(device2, 1);
        Assert.Equal(answers[0], (await world.ExchangeAsync(forged, forged.Protect(1, CoapCode.Post, "telemetry", Reading))).Datagram);
        Assert.Single(world.Coap.Stored);
        Assert.DoesNotContain(world.Control.Records.Keys, key => key.Scope == ControlScope.Of(Tenant("rival")));
    }

    [Fact]
    public async Task From_another_address_a_device_is_heard_once_it_has_shown_to_be_there()
    {
        await using var world = await OscoreWorld.StartAsync();
        using var device = new OscoreDevice(CoapWorld.Psk);
        await world.PostAsync(device, 0);
        device.Address = Wire.Far;
        var request = device.Protect(90, CoapCode.Get, "time");
        var challenge = await world.ExchangeAsync(device, request);
        Assert.Equal((Wire.Far, CoapCode.Unauthorized), (challenge.Peer, device.Open(challenge)!.Code));
        Assert.InRange(challenge.Datagram.Length, 1, 3 * request.Length);
        var answer = await world.AskAsync(device, CoapCode.Get, "time");
        Assert.Equal((Wire.Far, CoapCode.Content), (answer.Peer, answer.Code));
        Assert.Equal(1, world.Listener.SessionCount);
    }

    [Fact]
    public async Task What_is_not_protected_is_refused()
    {
        await using var world = await OscoreWorld.StartAsync();
        foreach (var path in new[] { "telemetry?" + CoapWorld.Token, "time", ".well-known/core" })
        {
            world.Listener.Receive(Wire.Near, Wire.Request(CoapType.Confirmable, CoapCode.Get, 1, [1], path));
            AssertRefused(await world.NextAsync());
        }

        world.Listener.Receive(Wire.Near, Wire.Empty(CoapType.Confirmable, 7));
        Assert.Equal(CoapType.Reset, (await world.NextAsync()).Type);
    }

    [Theory]
    [InlineData("")] // no key id
    [InlineData("08")] // no number
    [InlineData("ff")]
    [InlineData("020014")]
    [InlineData("1914ff")]
    public async Task A_malformed_option_is_told(string hex)
    {
        await using var world = await OscoreWorld.StartAsync();
        var request = Wire.Request(
            CoapType.Confirmable,
            CoapCode.Post,
            1,
            [1],
            "",
            Reading,
            (CoapOptionNumber.Oscore, Convert.FromHexString(hex))
        );
        world.Listener.Receive(Wire.Near, request);
        Assert.Equal(CoapCode.BadOption, (await world.NextAsync()).Code);
    }

    [Fact]
    public async Task What_a_proxy_changes_outside_is_of_no_matter()
    {
        await using var world = await OscoreWorld.StartAsync();
        using var device = new OscoreDevice(CoapWorld.Psk);
        await world.PostAsync(device, 0);
        var sealedRequest = new Sent((Wire.Near, device.Protect(100, CoapCode.Post, "telemetry", Reading)));
        var changed = Wire.Request(
            CoapType.Confirmable,
            CoapCode.Fetch,
            100,
            [7],
            "somewhere/else?a=b",
            sealedRequest.Payload,
            (CoapOptionNumber.Oscore, sealedRequest.Option(CoapOptionNumber.Oscore)!),
            (CoapOptionNumber.UriHost, "proxy"u8.ToArray()),
            (CoapOptionNumber.Observe, []),
            (CoapOptionNumber.MaxAge, [9]),
            (CoapOptionNumber.NoResponse, [26]),
            (CoapOptionNumber.ContentFormat, [99])
        );
        Assert.Equal(CoapCode.Changed, device.Open(await world.ExchangeAsync(device, changed))!.Code);
        Assert.Equal(2, world.Coap.Stored.Count);
    }

    [Fact]
    public async Task A_key_that_is_taken_away_or_changed_ends_the_context()
    {
        await using var world = await OscoreWorld.StartAsync(coap => coap.TokenLifetime = TimeSpan.FromSeconds(10));
        using var device = new OscoreDevice(CoapWorld.Psk);
        await world.PostAsync(device, 0);
        var renewed = new DevicePsk(CoapWorld.Psk.Identity, System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
        world.Coap.Keys[renewed.Identity] = renewed;
        using var again = new OscoreDevice(renewed);
        world.Pass(TimeSpan.FromSeconds(2));
        AssertRefused(await world.ExchangeAsync(again, again.Protect(1, CoapCode.Get, "time")));
        while (world.Listener.SessionCount > 0)
            await Task.Yield();
        Assert.Equal(CoapCode.Changed, (await world.PostAsync(again, 1)).Code);

        world.Coap.Keys.Clear();
        world.Pass(TimeSpan.FromSeconds(11));
        world.Receive(again, Wire.Empty(CoapType.Confirmable, 1)); // no request, and so no reason to look
        Assert.Equal(1, world.Listener.SessionCount);
        await world.NextAsync();
        world.Receive(
            again,
            again.Protect(199, CoapCode.Get, "time", type: CoapType.NonConfirmable, options: (CoapOptionNumber.NoResponse, [26]))
        );
        while (world.Listener.SessionCount > 0)
            await Task.Yield();
        AssertRefused(await world.ExchangeAsync(again, again.Protect(200, CoapCode.Post, "telemetry", Reading)));
    }

    [Fact]
    public async Task Without_a_store_nothing_is_taken_and_the_device_is_told_to_come_again()
    {
        await using var world = await OscoreWorld.StartAsync();
        using var device = new OscoreDevice(CoapWorld.Psk);
        world.Coap.AuthenticatorIsDown = true;
        var answer = await world.ExchangeAsync(device, device.Protect(1, CoapCode.Get, "time"));
        Assert.Equal((CoapCode.ServiceUnavailable, 1u), (answer.Code, answer.UInt(CoapOptionNumber.MaxAge)));
        world.Coap.AuthenticatorIsDown = false;
        world.Control.IsDown = true;
        Assert.Equal(CoapCode.ServiceUnavailable, (await world.ExchangeAsync(device, device.Protect(2, CoapCode.Get, "time"))).Code);
        world.Control.IsDown = false;
        Assert.Equal(CoapCode.Changed, (await world.PostAsync(device, 1)).Code);
    }

    [Fact]
    public async Task There_are_no_more_contexts_than_may_be_and_those_silent_longest_give_way()
    {
        await using var world = await OscoreWorld.StartAsync(coap => coap.MaxSessions = 2);
        List<OscoreDevice> devices = [];
        foreach (var name in new[] { "a", "b", "c" })
        {
            var psk = new DevicePsk(name + "@plant", new byte[32]);
            world.Coap.Keys[psk.Identity] = psk;
            devices.Add(new OscoreDevice(psk));
        }

        await world.PostAsync(devices[0], 1);
        await world.PostAsync(devices[1], 1);
        var full = await world.ExchangeAsync(devices[2], devices[2].Protect(1, CoapCode.Get, "time"));
        Assert.Equal(CoapCode.ServiceUnavailable, full.Code);
        world.Pass(TimeSpan.FromSeconds(31));
        await world.PostAsync(devices[1], 2);
        Assert.Equal(CoapCode.Changed, (await world.PostAsync(devices[2], 1)).Code);
        Assert.Equal(2, world.Listener.SessionCount);

        // The one that gave way shows anew that it is of now.
        var challenged = devices[0].Protect(9, CoapCode.Get, "time");
        world.Pass(TimeSpan.FromSeconds(31));
        Assert.Equal(CoapCode.Unauthorized, devices[0].Open(await world.ExchangeAsync(devices[0], challenged))!.Code);
        world.Pass(TimeSpan.FromHours(26));
        Assert.Equal(0, world.Listener.SessionCount);
        devices.ForEach(device => device.Dispose());
    }

    [Fact]
    public async Task An_observer_is_told_under_growing_numbers_until_it_says_no()
    {
        var resource = default(CoapResource);
        var state = 0;
        await using var world = await OscoreWorld.StartAsync(coap =>
        {
            resource = coap.Map("state");
            resource.IsObservable = true;
            resource.On(
                CoapCode.Get,
                (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Content) { Payload = new byte[] { (byte)state } })
            );
        });
        using var device = new OscoreDevice(CoapWorld.Psk);
        await world.PostAsync(device, 0);
        var registered = await world.AskAsync(device, CoapCode.Get, "state", token: 9, options: (CoapOptionNumber.Observe, []));
        Assert.NotNull(registered.Option(CoapOptionNumber.Observe));
        await world.PostAsync(device, 1);
        var last = OscoreDevice.NumberOf(world.Heard[^1]);
        for (state = 1; state < 12; state++)
        {
            resource!.NotifyChanged();
            var sent = await world.NextAsync();
            Assert.Equal(CoapCode.Content, sent.Code); // and an Observe option outside, for proxies
            Assert.NotNull(sent.Option(CoapOptionNumber.Observe));
            Assert.True(OscoreDevice.NumberOf(sent) > last);
            last = OscoreDevice.NumberOf(sent);
            Assert.Equal([(byte)state], device.Open(sent)!.Payload);
            if (sent.Type != CoapType.Confirmable)
                continue;
            world.Pass(TimeSpan.FromSeconds(4));
            Assert.Equal(sent.Datagram, (await world.NextAsync()).Datagram);
            world.Receive(device, Wire.Empty(CoapType.Acknowledgement, sent.Id));
        }

        resource!.NotifyChanged();
        world.Receive(device, Wire.Empty(CoapType.Reset, (await world.NextAsync()).Id));
        Assert.Equal(0, world.Listener.Endpoint.ObserverCount);
    }

    [Fact]
    public async Task Devices_behind_one_socket_are_not_acknowledged_for_each_other()
    {
        var resource = default(CoapResource);
        await using var world = await OscoreWorld.StartAsync(coap =>
        {
            resource = coap.Map("state");
            (resource.IsObservable, resource.ConfirmsNotifications) = (true, true);
            resource.On(CoapCode.Get, (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Content)));
        });
        var devices = new List<OscoreDevice>();
        for (var i = 0; i < 20; i++)
        {
            var psk = new DevicePsk($"d{i}@plant", new byte[32]);
            world.Coap.Keys[psk.Identity] = psk;
            devices.Add(new OscoreDevice(psk));
            await world.AskAsync(devices[i], CoapCode.Get, "state", token: (byte)i, options: (CoapOptionNumber.Observe, []));
        }

        resource!.NotifyChanged();
        var sent = new Dictionary<ushort, Sent>();
        for (var i = 0; i < devices.Count; i++)
        {
            var notification = await world.NextAsync();
            sent.Add(notification.Id, notification);
        }

        // All but one of them say that it came.
        var (lost, kept) = (sent.Keys.First(), sent.Keys.Skip(1).ToList());
        kept.ForEach(id => world.Receive(devices[0], Wire.Empty(CoapType.Acknowledgement, id)));
        world.Pass(TimeSpan.FromSeconds(4));
        Assert.Equal(sent[lost].Datagram, (await world.NextAsync()).Datagram);
        Assert.Null(world.Wire.Next());
        devices.ForEach(device => device.Dispose());
    }

    [Fact]
    public async Task Requests_without_confirmation_are_answered_and_their_duplicates_are_not()
    {
        await using var world = await OscoreWorld.StartAsync();
        using var device = new OscoreDevice(CoapWorld.Psk);
        await world.PostAsync(device, 0);
        var datagram = device.Protect(120, CoapCode.Post, "telemetry", Reading, CoapType.NonConfirmable, token: 33);
        var answer = await world.ExchangeAsync(device, datagram);
        Assert.Equal((CoapType.NonConfirmable, CoapCode.Changed), (answer.Type, device.Open(answer)!.Code));
        world.Receive(device, datagram);
        Assert.Null(world.Wire.Next());
        var silent = device.Protect(
            121,
            CoapCode.Post,
            "telemetry",
            Reading,
            CoapType.NonConfirmable,
            34,
            null,
            (CoapOptionNumber.NoResponse, [26])
        );
        world.Receive(device, silent);
        Assert.Equal(CoapCode.Changed, (await world.PostAsync(device, 3)).Code);
        Assert.Equal(4, world.Coap.Stored.Count);
    }

    [Fact]
    public async Task Where_the_numbers_have_run_out_nothing_is_taken_that_could_not_be_answered()
    {
        await using var world = await OscoreWorld.StartAsync();
        using var device = new OscoreDevice(CoapWorld.Psk);
        await world.PostAsync(device, 0);
        world.Control.IsDown = true;
        var taken = 1;
        for (var i = 0; i < 4096; i++)
        {
            world.Receive(device, device.Protect((ushort)i, CoapCode.Get, "nowhere"));
            if (world.Wire.Next() is { } answer)
                taken += device.Open(answer) is null ? 0 : 1;
        }

        Assert.InRange(taken, 3500, 4096 - 256);
        world.Control.IsDown = false;
        world.Pass(TimeSpan.FromSeconds(2));
        world.Receive(device, device.Protect(5000, CoapCode.Get, "nowhere")); // asks the store again
        ushort id = 5001;
        while (world.Wire.Next() is null)
        {
            world.Receive(device, device.Protect(id++, CoapCode.Get, "nowhere"));
            await Task.Yield();
        }
    }

    private static void AssertRefused(Sent answer)
    {
        Assert.Equal(CoapCode.Unauthorized, answer.Code);
        Assert.Null(answer.Option(CoapOptionNumber.Oscore));
        Assert.Empty(answer.Payload);
    }

    private static TenantId Tenant(string text) => TenantId.TryParse(text, out var id) ? id : throw new ArgumentException(text);
}
