using System.Text;

namespace Insa.Iiot.Protocols.Mqtt.Tests;

/// <summary>What is not telemetry: a device's own topics.</summary>
public sealed class MessagingTests
{
    private static readonly byte[] Ping = [0xC0, 0];

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task A_device_hears_what_it_publishes_in_its_own_topics(byte version)
    {
        await using var host = await MqttHost.StartAsync();
        using var listener = await RawClient.ConnectAsync(host, version, clientId: "listener");
        await SubscribeAsync(listener, version, "commands/#", 1);
        using var speaker = await RawClient.ConnectAsync(host, version, clientId: "speaker");
        await speaker.SendAsync(RawClient.Publish(version, "commands/start", "now", 1, 7));
        Assert.Equal(0x40, (await speaker.ReadAsync())![0]);

        var heard = (await listener.ReadAsync())!;
        Assert.Equal(0x32, heard[0]);
        Assert.Contains("commands/start", Encoding.UTF8.GetString(heard), StringComparison.Ordinal);
        Assert.EndsWith("now", Encoding.UTF8.GetString(heard), StringComparison.Ordinal);
        Assert.Empty(host.Stored);
    }

    [Theory]
    [InlineData("press@other")]
    [InlineData("pump@plant")]
    public async Task Nobody_else_hears_it_whatever_they_subscribe_to(string user)
    {
        await using var host = await MqttHost.StartAsync();
        using var spy = await RawClient.ConnectAsync(host, 5, user, "spy");
        foreach (var filter in (string[])["#", "+/+/#", "plant/#", "plant/press/#", "../../plant/press/#", "commands/#"])
            await SubscribeAsync(spy, 5, filter, 1);
        using var device = await RawClient.ConnectAsync(host, 5);
        await device.SendAsync(RawClient.Publish(5, "commands/start", "secret", 1, 7));
        await device.ReadAsync();

        // What the spy says to itself comes after anything it could have heard before.
        await spy.SendAsync(RawClient.Publish(5, "commands/x", "mine", 1, 9));
        var packets = new List<byte[]> { (await spy.ReadAsync())!, (await spy.ReadAsync())! };
        Assert.DoesNotContain(packets, packet => Encoding.UTF8.GetString(packet).Contains("secret", StringComparison.Ordinal));
        Assert.Contains(packets, packet => Encoding.UTF8.GetString(packet).Contains("mine", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(5, "$share/group/x", 0x9E)]
    [InlineData(5, "telemetry", 0x87)]
    [InlineData(5, "telemetry/#", 0x87)]
    [InlineData(5, "$SYS/#", 0x87)]
    [InlineData(5, "a/#/b", 0x8F)]
    [InlineData(5, "a+/b", 0x8F)]
    [InlineData(4, "telemetry/#", 0x80)]
    [InlineData(4, "a/#/b", 0x80)]
    [InlineData(4, "a/+/b", 1)]
    public async Task A_subscription_is_granted_or_refused_in_the_clients_terms(byte version, string filter, int code)
    {
        await using var host = await MqttHost.StartAsync();
        using var client = await RawClient.ConnectAsync(host, version);
        Assert.Equal(code, await SubscribeAsync(client, version, filter, 1));
    }

    [Fact]
    public async Task A_will_is_published_when_the_connection_breaks_and_not_after_an_orderly_end()
    {
        await using var host = await MqttHost.StartAsync();
        using var listener = await RawClient.ConnectAsync(host, 4, clientId: "listener");
        await SubscribeAsync(listener, 4, "status/#", 0);

        using (var orderly = await RawClient.OpenAsync(host.Endpoint))
        {
            await orderly.SendAsync(ConnectWithWill("orderly", "status/orderly"));
            Assert.Equal([0x20, 2, 0, 0], await orderly.ReadAsync());
            await orderly.SendAsync([0xE0, 0]);
            Assert.Null(await orderly.ReadAsync());
        }

        var broken = await RawClient.OpenAsync(host.Endpoint);
        await broken.SendAsync(ConnectWithWill("broken", "status/broken"));
        Assert.Equal([0x20, 2, 0, 0], await broken.ReadAsync());
        broken.Reset();
        Assert.Contains("status/broken", Encoding.UTF8.GetString((await listener.ReadAsync())!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_retained_message_is_heard_by_who_subscribes_later_and_their_number_is_bounded()
    {
        await using var host = await MqttHost.StartAsync(options => options.MaxRetainedPerDevice = 2);
        using var device = await RawClient.ConnectAsync(host, 5);
        for (ushort id = 1; id <= 2; id++)
        {
            await device.SendAsync(RawClient.Publish(5, $"status/{id}", "on", 1, id, flags: 1));
            Assert.True((await device.ReadAsync())![1] is 2 or 3 or 4);
        }

        await device.SendAsync(RawClient.Publish(5, "status/3", "on", 1, 3, flags: 1));
        Assert.Equal([0x40, 3, 0, 3, 0x97], await device.ReadAsync());
        byte[]? early = null;
        await SubscribeAsync(device, 5, "status/1", 0, packet => early = packet);
        var heard = early ?? (await device.ReadAsync())!;
        Assert.Equal(0x31, heard[0]);
        Assert.EndsWith("on", Encoding.UTF8.GetString(heard), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kept_session_gets_what_came_while_it_was_away()
    {
        await using var host = await MqttHost.StartAsync();
        byte[] connect = RawClient.Connect(4, "press@plant", MqttHost.Password, "kept");
        connect[9] &= 0xFD; // not a clean session
        using (var first = await RawClient.OpenAsync(host.Endpoint))
        {
            await first.SendAsync(connect);
            Assert.Equal([0x20, 2, 0, 0], await first.ReadAsync());
            await SubscribeAsync(first, 4, "commands/#", 1);
            await first.SendAsync([0xE0, 0]);
            Assert.Null(await first.ReadAsync());
        }

        using var speaker = await RawClient.ConnectAsync(host, 4, clientId: "speaker");
        await speaker.SendAsync(RawClient.Publish(4, "commands/start", "now", 1, 7));
        Assert.Equal([0x40, 2, 0, 7], await speaker.ReadAsync());

        using var second = await RawClient.OpenAsync(host.Endpoint);
        await second.SendAsync(connect);
        Assert.Equal([0x20, 2, 1, 0], await second.ReadAsync());
        Assert.EndsWith("now", Encoding.UTF8.GetString((await second.ReadAsync())!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_beyond_a_devices_share_are_not_kept_and_a_cleaned_one_makes_room()
    {
        await using var host = await MqttHost.StartAsync(options => options.MaxSessionsPerDevice = 1);
        async Task<int> ConnectAsync(string clientId, bool clean)
        {
            using var client = await RawClient.OpenAsync(host.Endpoint);
            var connect = RawClient.Connect(4, "press@plant", MqttHost.Password, clientId);
            if (!clean)
                connect[9] &= 0xFD;
            await client.SendAsync(connect);
            var answer = (await client.ReadAsync())!;
            Assert.Equal(1, await SubscribeAsync(client, 4, "commands/#", 1));
            await client.SendAsync([0xE0, 0]);
            Assert.Null(await client.ReadAsync());
            return answer[2];
        }

        Assert.Equal(0, await ConnectAsync("first", clean: false));
        Assert.Equal(1, await ConnectAsync("first", clean: false));
        Assert.Equal(0, await ConnectAsync("second", clean: false));
        Assert.Equal(0, await ConnectAsync("second", clean: false));
        Assert.Equal(0, await ConnectAsync("first", clean: true));
        Assert.Equal(0, await ConnectAsync("second", clean: false));
        Assert.Equal(1, await ConnectAsync("second", clean: false));
    }

    [Fact]
    public async Task A_client_is_sent_no_more_than_it_takes_in_flight()
    {
        await using var host = await MqttHost.StartAsync();
        using var listener = await RawClient.OpenAsync(host.Endpoint);
        byte[] connect = RawClient.Connect(5, "press@plant", MqttHost.Password, "slow");

        // A receive maximum of 2 in the properties, which are empty otherwise.
        connect = [connect[0], (byte)(connect[1] + 3), .. connect[2..12], 3, 0x21, 0, 2, .. connect[13..]];
        await listener.SendAsync(connect);
        Assert.Equal(0, (await listener.ReadAsync())![3]);
        await SubscribeAsync(listener, 5, "commands/#", 1);
        using var speaker = await RawClient.ConnectAsync(host, 5, clientId: "speaker");
        for (ushort id = 1; id <= 5; id++)
        {
            await speaker.SendAsync(RawClient.Publish(5, "commands/go", $"{id}", 1, id));
            await speaker.ReadAsync();
        }

        var heard = new List<byte[]> { (await listener.ReadAsync())!, (await listener.ReadAsync())! };
        await listener.SendAsync(Ping);
        Assert.Equal(0xD0, (await listener.ReadAsync())![0]);
        while (heard.Count < 5)
        {
            // The identifier stands behind the topic.
            var id = heard[^1].AsSpan(2 + 2 + "commands/go".Length, 2);
            await listener.SendAsync([0x40, 2, id[0], id[1]]);
            heard.Add((await listener.ReadAsync())!);
        }

        Assert.Equal(["1", "2", "3", "4", "5"], heard.Select(packet => Encoding.UTF8.GetString(packet[^1..])));
    }

    [Fact]
    public async Task A_client_that_resets_and_comes_back_at_once_is_never_closed()
    {
        await using var host = await MqttHost.StartAsync();
        for (var i = 0; i < 300; i++)
        {
            var client = await RawClient.ConnectAsync(host, 4, clientId: "storm");
            Assert.Equal(1, await SubscribeAsync(client, 4, "commands/#", 1));
            await client.SendAsync(Ping);
            Assert.Equal(0xD0, (await client.ReadAsync())![0]);
            client.Reset();
        }
    }

    [Fact]
    public async Task A_ping_is_answered_while_the_store_holds_its_commits()
    {
        await using var host = await MqttHost.StartAsync();
        using var client = await RawClient.ConnectAsync(host);
        host.HoldCommits();
        await client.SendAsync([.. RawClient.Publish(4, "telemetry", """{"data":{"n":1}}""", 1, 1), .. Ping]);
        Assert.Equal(0xD0, (await client.ReadAsync())![0]);
        host.ReleaseCommits();
        Assert.Equal([0x40, 2, 0, 1], await client.ReadAsync());
    }

    private static byte[] ConnectWithWill(string clientId, string topic)
    {
        var body = new List<byte> { 0, 4 };
        body.AddRange("MQTT"u8);
        body.AddRange([4, 0xC6, 0, 60]);
        foreach (var text in (string[])[clientId, topic, "gone", "press@plant", MqttHost.Password])
            body.AddRange([0, (byte)text.Length, .. Encoding.UTF8.GetBytes(text)]);
        return RawClient.Packet(0x10, body);
    }

    /// <returns>The code of the SUBACK.</returns>
    private static async Task<int> SubscribeAsync(RawClient client, byte version, string filter, byte qos, Action<byte[]>? onOther = null)
    {
        var body = new List<byte> { 0, 99 };
        if (version == 5)
            body.Add(0);
        body.AddRange([0, (byte)filter.Length, .. Encoding.UTF8.GetBytes(filter), qos]);
        await client.SendAsync(RawClient.Packet(0x82, body));
        while (true)
        {
            var answer = (await client.ReadAsync())!;
            if (answer[0] == 0x90)
                return answer[^1];

            // A retained message may come before its SUBACK (MQTT 5 §3.8.4).
            onOther?.Invoke(answer);
        }
    }
}
