using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.Mqtt.Tests;

public sealed class EndpointTests
{
    private static readonly byte[] PingRequest = [0xC0, 0];

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task An_acknowledgement_leaves_after_the_commit_and_not_before(byte version)
    {
        await using var host = await MqttHost.StartAsync();
        using var client = await RawClient.ConnectAsync(host, version);
        host.HoldCommits();
        await client.SendAsync(RawClient.Publish(version, "telemetry", """{"data":{"temp":21.5}}""", 1, 7));
        var answer = client.ReadAsync();

        // Another client's message that is answered shows that the endpoint had time to answer this one.
        using var other = await RawClient.ConnectAsync(host, version, clientId: "c2");
        await other.SendAsync(PingRequest);
        Assert.Equal(0xD0, (await other.ReadAsync())![0]);
        Assert.False(answer.IsCompleted);
        Assert.Empty(host.Stored);

        host.ReleaseCommits();
        Assert.Equal([0x40, 2, 0, 7], await answer);
        Assert.Equal(("plant", "press", "temp", TelemetryValue.Of(21.5)), Assert.Single(host.Stored));
    }

    [Fact]
    public async Task A_connection_counts_before_its_handshake()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await using var host = await MqttHost.StartAsync(options =>
        {
            options.MaxConnections = 1;
            options.Listeners.Add(new MqttListenerOptions { Port = 0, Certificate = certificate });
        });
        using var one = new TcpClient();
        using var other = new TcpClient();
        await one.ConnectAsync(host.Endpoints[1]);
        await other.ConnectAsync(host.Endpoints[1]);
        var oneEnds = one.Client.ReceiveAsync(Memory<byte>.Empty).AsTask();
        var otherEnds = other.Client.ReceiveAsync(Memory<byte>.Empty).AsTask();
        var ended = await Task.WhenAny(oneEnds, otherEnds).WaitAsync(TimeSpan.FromSeconds(30));
        using var tls = new SslStream((ended == oneEnds ? other : one).GetStream(), false, (_, shown, _, _) => certificate.Equals(shown));
        await tls.AuthenticateAsClientAsync("localhost").WaitAsync(TimeSpan.FromSeconds(30));
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("mqtt");
        socket.Options.CollectHttpResponseDetails = true;
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(new Uri($"ws://127.0.0.1:{host.HttpPort}/mqtt"), default));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, socket.HttpStatusCode);
    }

    [Fact]
    public async Task Acknowledgements_come_in_the_order_of_the_messages()
    {
        await using var host = await MqttHost.StartAsync();
        using var client = await RawClient.ConnectAsync(host);
        host.HoldCommits();
        var burst = new List<byte>();
        for (ushort id = 1; id <= 500; id++)
            burst.AddRange(RawClient.Publish(4, "telemetry", $$$"""{"data":{"n":{{{id}}}}}""", 1, id));
        await client.SendAsync([.. burst]);
        host.ReleaseCommits();
        for (var id = 1; id <= 500; id++)
            Assert.Equal([0x40, 2, (byte)(id >> 8), (byte)id], await client.ReadAsync());
        Assert.Equal(Enumerable.Range(1, 500).Select(i => (double)i), host.Stored.Select(row => row.Value.AsDouble()));
    }

    [Fact]
    public async Task More_than_the_receive_maximum_ends_an_mqtt_5_connection_and_holds_a_3_1_1_client_back()
    {
        await using var host = await MqttHost.StartAsync(options => options.ReceiveMaximum = 10);
        host.HoldCommits();
        var burst = new List<byte>();
        for (ushort id = 1; id <= 200; id++)
            burst.AddRange(RawClient.Publish(5, "telemetry", """{"data":{"n":1}}""", 1, id));
        using var strict = await RawClient.ConnectAsync(host, 5);
        await strict.SendAsync([.. burst]);

        burst.Clear();
        for (ushort id = 1; id <= 200; id++)
            burst.AddRange(RawClient.Publish(4, "telemetry", """{"data":{"n":1}}""", 1, id));
        using var lenient = await RawClient.ConnectAsync(host, 4, clientId: "c2");
        await lenient.SendAsync([.. burst]);
        host.ReleaseCommits();
        for (var id = 1; id <= 200; id++)
            Assert.Equal([0x40, 2, 0, (byte)id], await lenient.ReadAsync());
        for (var id = 1; id <= 10; id++)
            Assert.Equal([0x40, 2, 0, (byte)id], await strict.ReadAsync());
        Assert.Equal([0xE0, 1, 0x93], await strict.ReadAsync());
        Assert.Null(await strict.ReadAsync());
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task A_qos_2_message_sent_twice_is_stored_once(byte version)
    {
        await using var host = await MqttHost.StartAsync();
        using var client = await RawClient.ConnectAsync(host, version);
        var publish = RawClient.Publish(version, "telemetry", """{"data":{"n":1}}""", 2, 5);
        await client.SendAsync(publish);
        Assert.Equal([0x50, 2, 0, 5], await client.ReadAsync());
        publish[0] |= 8;
        await client.SendAsync(publish);
        Assert.Equal([0x50, 2, 0, 5], await client.ReadAsync());
        await client.SendAsync([0x62, 2, 0, 5]);
        Assert.Equal([0x70, 2, 0, 5], await client.ReadAsync());
        Assert.Single(host.Stored);

        publish[0] &= 0xF7;
        await client.SendAsync(publish);
        Assert.Equal([0x50, 2, 0, 5], await client.ReadAsync());
        Assert.Equal(2, host.Stored.Count);
    }

    [Theory]
    [InlineData("telemetry", "{", 0x99)]
    [InlineData("telemetry", """{"data":{"n":NaN}}""", 0x99)]
    [InlineData("telemetry", """{"data":{"n":1},"timestamp":"1970-01-01T00:00:00Z"}""", 0x99)]
    [InlineData("telemetry/pump", """{"data":{"n":1}}""", 0x87)]
    [InlineData("telemetry", """{"device_id":"pump","data":{"n":1}}""", 0x87)]
    [InlineData("telemetri", """{"data":{"n":1}}""", 0x90)]
    [InlineData("$SYS/x", """{"data":{"n":1}}""", 0x90)]
    [InlineData("telemetry", """{"data":{"n":666}}""", 0x83)]
    public async Task An_mqtt_5_device_is_told_why_its_message_is_refused(string topic, string payload, int reason)
    {
        await using var host = await MqttHost.StartAsync();
        host.Refuses = value => value.AsDouble() == 666;
        using var client = await RawClient.ConnectAsync(host, 5);
        await client.SendAsync(RawClient.Publish(5, topic, payload, 1, 3));
        Assert.Equal([0x40, 3, 0, 3, (byte)reason], await client.ReadAsync());
        await client.SendAsync(RawClient.Publish(5, topic, payload, 2, 4));
        Assert.Equal([0x50, 3, 0, 4, (byte)reason], await client.ReadAsync());
        Assert.Empty(host.Stored);
        await client.SendAsync(RawClient.Publish(5, "telemetry", """{"data":{"n":1}}""", 2, 4));
        Assert.Equal([0x50, 2, 0, 4], await client.ReadAsync());
    }

    [Fact]
    public async Task A_bad_message_of_a_3_1_1_device_is_acknowledged_once_it_is_a_dead_letter()
    {
        await using var host = await MqttHost.StartAsync();
        using var client = await RawClient.ConnectAsync(host);
        await client.SendAsync(RawClient.Publish(4, "telemetry", "garbage", 1, 3));
        Assert.Equal([0x40, 2, 0, 3], await client.ReadAsync());
        Assert.Equal("garbage", Encoding.UTF8.GetString(Assert.Single(host.Letters).Payload.Span));
    }

    [Theory]
    [InlineData("telemetry/pump")]
    [InlineData("telemetri")]
    public async Task What_a_3_1_1_device_may_not_publish_ends_its_connection_unacknowledged(string topic)
    {
        await using var host = await MqttHost.StartAsync();
        using var client = await RawClient.ConnectAsync(host);
        await client.SendAsync(RawClient.Publish(4, topic, """{"data":{"n":1}}""", 1, 3));
        Assert.Null(await client.ReadAsync());
        Assert.Empty(host.Stored);
    }

    [Fact]
    public async Task A_gateway_publishes_for_its_device_and_a_metric_topic_takes_a_scalar()
    {
        await using var host = await MqttHost.StartAsync();
        using var client = await RawClient.ConnectAsync(host, 5, "gate@plant");
        await client.SendAsync(RawClient.Publish(5, "telemetry/pump/speed", "1450", 1, 1));
        Assert.Equal([0x40, 2, 0, 1], await client.ReadAsync());
        await client.SendAsync(
            RawClient.Publish(5, "telemetry", """[{"n":"temp","v":3}]""", 1, 2, [0x03, 0, 22, .. "application/senml+json"u8])
        );
        Assert.Equal([0x40, 2, 0, 2], await client.ReadAsync());
        Assert.Equal(
            [("plant", "pump", "speed", TelemetryValue.Of(1450.0)), ("plant", "gate", "temp", TelemetryValue.Of(3.0))],
            host.Stored
        );
    }

    [Fact]
    public async Task A_topic_alias_stands_for_its_topic_and_a_bad_one_ends_the_connection()
    {
        await using var host = await MqttHost.StartAsync(options => options.TopicAliasMaximum = 2);
        using var client = await RawClient.ConnectAsync(host, 5);
        await client.SendAsync(RawClient.Publish(5, "telemetry", """{"data":{"n":1}}""", 1, 1, [0x23, 0, 2]));
        Assert.Equal([0x40, 2, 0, 1], await client.ReadAsync());
        await client.SendAsync(RawClient.Publish(5, "", """{"data":{"n":2}}""", 1, 2, [0x23, 0, 2]));
        Assert.Equal([0x40, 2, 0, 2], await client.ReadAsync());
        await client.SendAsync(RawClient.Publish(5, "telemetry", """{"data":{"n":3}}""", 1, 3, [0x23, 0, 3]));
        Assert.Equal([0xE0, 1, 0x94], await client.ReadAsync());
        Assert.Equal(2, host.Stored.Count);
    }

    [Theory]
    [InlineData(4, "press@plant", "wrong", 4)]
    [InlineData(5, "press@plant", "wrong", 0x86)]
    [InlineData(4, "nonsense", MqttHost.Password, 4)]
    [InlineData(5, null, null, 0x86)]
    [InlineData(3, "press@plant", MqttHost.Password, 1)]
    public async Task A_client_without_the_right_credential_is_turned_away(byte version, string? user, string? password, int code)
    {
        await using var host = await MqttHost.StartAsync();
        using var client = await RawClient.OpenAsync(host.Endpoint);
        await client.SendAsync(RawClient.Connect(version, user, password));
        Assert.Equal(code, (await client.ReadAsync())![3]);
        Assert.Null(await client.ReadAsync());
        Assert.DoesNotContain(
            host.Logs.Collector.GetSnapshot(),
            record => record.Message.Contains(MqttHost.Password, StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData(4, 3)]
    [InlineData(5, 0x88)]
    public async Task A_client_is_told_to_come_back_when_credentials_cannot_be_checked(byte version, int code)
    {
        await using var host = await MqttHost.StartAsync();
        host.AuthenticatorIsDown = true;
        using var client = await RawClient.OpenAsync(host.Endpoint);
        await client.SendAsync(RawClient.Connect(version, "press@plant", MqttHost.Password));
        Assert.Equal(code, (await client.ReadAsync())![3]);
    }

    [Theory]
    [InlineData("10FFFFFF7F")] // 256 MiB announced before CONNECT
    [InlineData("30020000")] // PUBLISH before CONNECT
    [InlineData("FFFFFFFFFFFF")]
    [InlineData("00")]
    [InlineData("100C00044D515454040200")] // a truncated CONNECT, then the end
    public async Task Bytes_that_are_no_connect_end_the_connection_and_nothing_else(string bytes)
    {
        await using var host = await MqttHost.StartAsync();
        using (var client = await RawClient.OpenAsync(host.Endpoint))
            await client.SendAsync(Convert.FromHexString(bytes));
        using var good = await RawClient.ConnectAsync(host);
        Assert.DoesNotContain(host.Logs.Collector.GetSnapshot(), record => record.Id.Id == 3002);
    }

    [Theory]
    [InlineData("30FFFFFF7F", 0x95)]
    [InlineData("30FFFFFFFF7F", 0x81)]
    [InlineData("3006000274FF0000", 0x81)] // a topic that is not UTF-8
    [InlineData("360500017400010000", 0x81)] // QoS 3
    [InlineData("30050002742B0031", 0x90)] // a wildcard in a topic
    [InlineData("F000", 0x82)] // AUTH without a method
    [InlineData("102000", 0x82)]
    [InlineData("C800", 0x82)] // flags on a PINGREQ
    [InlineData("820300010000", 0x82)]
    public async Task Bad_bytes_of_a_connected_mqtt_5_client_get_the_protocols_own_error(string bytes, int reason)
    {
        await using var host = await MqttHost.StartAsync();
        using var client = await RawClient.ConnectAsync(host, 5);
        await client.SendAsync([.. Convert.FromHexString(bytes), .. new byte[64]]);
        var answer = await client.ReadAsync();
        Assert.Equal([0xE0, 1, (byte)reason], answer);
        Assert.Null(await client.ReadAsync());
        using var good = await RawClient.ConnectAsync(host);
    }

    [Fact]
    public async Task A_second_connection_of_a_client_ends_the_first_and_never_itself()
    {
        await using var host = await MqttHost.StartAsync();
        using var first = await RawClient.ConnectAsync(host, 5);
        using var second = await RawClient.ConnectAsync(host, 5);
        Assert.Equal([0xE0, 1, 0x8E], await first.ReadAsync());
        for (var i = 0; i < 200; i++)
        {
            var client = await RawClient.ConnectAsync(host, 5, clientId: "storm");
            await client.SendAsync(PingRequest);
            Assert.Equal(0xD0, (await client.ReadAsync())![0]);
            client.Reset();
        }

        await second.SendAsync(PingRequest);
        Assert.Equal(0xD0, (await second.ReadAsync())![0]);
    }

    [Fact]
    public async Task The_same_client_id_of_another_tenant_or_device_is_another_client()
    {
        await using var host = await MqttHost.StartAsync();
        using var mine = await RawClient.ConnectAsync(host, 5, "press@plant");
        using var theirs = await RawClient.ConnectAsync(host, 5, "press@other");
        using var neighbour = await RawClient.ConnectAsync(host, 5, "pump@plant");
        await mine.SendAsync(PingRequest);
        Assert.Equal(0xD0, (await mine.ReadAsync())![0]);
        await theirs.SendAsync(RawClient.Publish(5, "telemetry", """{"data":{"n":1}}""", 1, 1));
        await theirs.ReadAsync();
        Assert.Equal("other", Assert.Single(host.Stored).Tenant);
    }

    [Fact]
    public async Task A_3_1_1_message_that_is_kept_nowhere_is_never_acknowledged()
    {
        await using var host = await MqttHost.StartAsync(keepsDeadLetters: false);
        host.Refuses = _ => true;
        foreach (var payload in (string[])["garbage", """{"data":{"n":1}}"""])
        {
            using var client = await RawClient.ConnectAsync(host, 4, clientId: payload[..1]);
            await client.SendAsync(RawClient.Publish(4, "telemetry", payload, 1, 3));
            Assert.Null(await client.ReadAsync());
        }
    }

    [Fact]
    public async Task A_client_can_connect_anew_while_the_store_holds_its_messages()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var host = await MqttHost.StartAsync(time: time);
        host.HoldCommits();
        using var first = await RawClient.ConnectAsync(host, 5);
        await first.SendAsync(RawClient.Publish(5, "telemetry", """{"data":{"n":1}}""", 1, 1));
        await host.HeldWrite.WaitAsync(TimeSpan.FromSeconds(30));
        using var second = await RawClient.ConnectAsync(host, 5);
        await second.SendAsync(PingRequest);
        Assert.Equal(0xD0, (await second.ReadAsync())![0]);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(await first.ReadAsync());
    }

    [Fact]
    public async Task A_silent_client_is_let_go_after_one_and_a_half_times_its_keep_alive()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var host = await MqttHost.StartAsync(time: time);
        using var client = await RawClient.ConnectAsync(host, 5, keepAlive: 10);
        await client.SendAsync(PingRequest);
        await client.ReadAsync();
        time.Advance(TimeSpan.FromSeconds(14));
        await client.SendAsync(RawClient.Publish(5, "telemetry", """{"data":{"n":1}}""", 1, 1));
        Assert.Equal([0x40, 2, 0, 1], await client.ReadAsync());
        time.Advance(TimeSpan.FromSeconds(14));
        await client.SendAsync(PingRequest);
        Assert.Equal(0xD0, (await client.ReadAsync())![0]);
        time.Advance(TimeSpan.FromSeconds(16));
        Assert.Equal([0xE0, 1, 0x8D], await client.ReadAsync());
        Assert.Null(await client.ReadAsync());
    }

    [Fact]
    public async Task A_connection_that_sends_no_connect_is_let_go()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var host = await MqttHost.StartAsync(time: time);
        using var client = await RawClient.OpenAsync(host.Endpoint);
        await client.SendAsync([0x10]);
        var closed = client.ReadAsync();
        while (!closed.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(11));
            await Task.Yield();
        }

        Assert.Null(await closed);
    }

    [Fact]
    public async Task A_stopping_host_answers_what_it_had_taken_and_says_goodbye()
    {
        await using var host = await MqttHost.StartAsync();
        using var client = await RawClient.ConnectAsync(host, 5);
        await client.SendAsync(RawClient.Publish(5, "telemetry", """{"data":{"n":1}}""", 1, 1));
        Assert.Equal([0x40, 2, 0, 1], await client.ReadAsync());
        var stopped = host.StopAsync();
        Assert.Equal([0xE0, 1, 0x8B], await client.ReadAsync());
        await stopped;
    }

    [Fact]
    public async Task No_stream_of_mutated_packets_brings_the_endpoint_down()
    {
        await using var host = await MqttHost.StartAsync();
        var random = new Random(1);
        byte[] seed =
        [
            .. RawClient.Connect(5, "press@plant", MqttHost.Password),
            .. RawClient.Publish(5, "telemetry", """{"data":{"n":1}}""", 1, 1),
            .. RawClient.Publish(5, "telemetry", """{"data":{"n":2}}""", 2, 2),
            0x62,
            2,
            0,
            2,
        ];
        for (var i = 0; i < 1000; i++)
        {
            var bytes = seed.ToArray();
            for (var m = random.Next(1, 8); m > 0; m--)
                bytes[random.Next(i % 2 == 0 ? 0 : 40, bytes.Length)] = (byte)random.Next(256);
            using var client = await RawClient.OpenAsync(host.Endpoint);
            await client.SendAsync(bytes);
        }

        using var good = await RawClient.ConnectAsync(host, clientId: "good");
        await good.SendAsync(RawClient.Publish(4, "telemetry", """{"data":{"n":1}}""", 1, 1));
        Assert.Equal([0x40, 2, 0, 1], await good.ReadAsync());
        Assert.DoesNotContain(host.Logs.Collector.GetSnapshot(), record => record.Id.Id == 3002);
    }
}
