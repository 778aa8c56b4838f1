using System.Diagnostics.Metrics;
using System.Text;
using Insa.Iiot.Protocols.Mqtt.Messaging;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using static Insa.Iiot.Protocols.Mqtt.Tests.CommandWorld;

namespace Insa.Iiot.Protocols.Mqtt.Tests;

public sealed class CommandsTests
{
    private static readonly byte[] Ping = [0xC0, 0];
    private static readonly byte[] Failed = [0x26, 0, 6, .. "status"u8, 0, 6, .. "failed"u8];

    [Theory]
    [InlineData(4, "commands/#", 1)]
    [InlineData(5, "commands/+", 2)]
    [InlineData(5, "#", 1)]
    public async Task What_waits_is_delivered_in_order_to_who_subscribes_and_confirmed_by_its_acknowledgement(
        byte version,
        string filter,
        byte qos
    )
    {
        await using var world = await StartAsync();
        await world.SendAsync("open-valve", """{"percent":40}""");
        await world.SendAsync("b", needsAnswer: true);
        using var device = await RawClient.ConnectAsync(world.Host, version);
        await SubscribeAsync(device, version, filter, qos);

        var (topic, id, command) = Read(await device.ReadAsync(), version);
        Assert.Equal("commands/1", topic);
        Assert.Equal((1, "open-valve"), (command.GetProperty("id").GetInt64(), command.GetProperty("name").GetString()));
        Assert.Equal(40, command.GetProperty("data").GetProperty("percent").GetInt32());
        Assert.False(command.GetProperty("needs_answer").GetBoolean());
        Assert.Equal(command.GetProperty("created_at").GetDateTime().AddDays(1), command.GetProperty("expires_at").GetDateTime());
        var second = Read(await device.ReadAsync(), version);
        Assert.Equal("commands/2", second.Topic);
        Assert.False(second.Command.TryGetProperty("data", out _));
        Assert.Equal(DeviceCommandState.Waiting, (await world.FindAsync(1)).State);

        await AcknowledgeAsync(device, id);
        await world.BecomesAsync(1, DeviceCommandState.Delivered);
        Assert.Equal(DeviceCommandState.Waiting, (await world.FindAsync(2)).State);
    }

    [Fact]
    public async Task By_MQTT_5_a_command_says_what_it_is_how_long_it_holds_and_where_to_answer()
    {
        await using var world = await StartAsync();
        await world.SendAsync("a");
        using var device = await RawClient.ConnectAsync(world.Host, 5);
        await SubscribeAsync(device, 5, "commands/#", 1);
        var packet = (await device.ReadAsync())!;
        var text = Encoding.Latin1.GetString(packet);
        Assert.Contains("\u0003\0\u0010application/json\u0008\0\u000Bresponses/1{", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_sent_while_a_device_listens_comes_at_once()
    {
        await using var world = await StartAsync();
        using var device = await RawClient.ConnectAsync(world.Host);
        await SubscribeAsync(device, 4, "commands/#", 1);
        for (var i = 1; i <= 3; i++)
        {
            await world.SendAsync("a");
            var (topic, id, _) = Read(await device.ReadAsync(), 4);
            Assert.Equal($"commands/{i}", topic);
            await AcknowledgeAsync(device, id);
        }
    }

    [Fact]
    public async Task What_was_not_acknowledged_comes_again_with_the_next_connection()
    {
        await using var world = await StartAsync();
        await world.SendAsync("a");
        await world.SendAsync("b");
        using (var device = await RawClient.ConnectAsync(world.Host))
        {
            await SubscribeAsync(device, 4, "commands/#", 1);
            await AcknowledgeAsync(device, Read(await device.ReadAsync(), 4).Id);
            Assert.Equal("commands/2", Read(await device.ReadAsync(), 4).Topic);
            await world.BecomesAsync(1, DeviceCommandState.Delivered);
            device.Reset();
        }

        using var again = await RawClient.ConnectAsync(world.Host);
        await SubscribeAsync(again, 4, "commands/#", 1);
        Assert.Equal("commands/2", Read(await again.ReadAsync(), 4).Topic);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task A_session_that_is_kept_still_listens_when_its_client_comes_back(byte version)
    {
        await using var world = await StartAsync();
        byte[]? properties = version == 5 ? [0x11, 0, 0, 0, 100] : null;
        using (var device = await RawClient.ConnectAsync(world.Host, version, properties: properties, isClean: false))
        {
            await SubscribeAsync(device, version, "commands/#", 1);
            device.Reset();
        }

        await world.SendAsync("a");
        using var again = await RawClient.ConnectAsync(world.Host, version, properties: properties, isClean: false);
        Assert.Equal("commands/1", Read(await again.ReadAsync(), version).Topic);
    }

    [Fact]
    public async Task Only_a_few_are_in_flight()
    {
        await using var world = await StartAsync();
        for (var i = 0; i < 12; i++)
            await world.SendAsync("a");
        using var device = await RawClient.ConnectAsync(world.Host);
        await SubscribeAsync(device, 4, "commands/#", 1);
        var ids = new Queue<ushort>();
        for (var i = 0; i < 8; i++)
            ids.Enqueue(Read(await device.ReadAsync(), 4).Id);
        await device.SendAsync(Ping);
        Assert.Equal([0xD0, 0], await device.ReadAsync());
        for (var i = 9; i <= 12; i++)
        {
            await AcknowledgeAsync(device, ids.Dequeue());
            Assert.Equal($"commands/{i}", Read(await device.ReadAsync(), 4).Topic);
        }
    }

    [Fact]
    public async Task No_more_are_in_flight_than_the_client_takes_and_its_own_messages_count()
    {
        await using var world = await StartAsync();
        using var device = await RawClient.ConnectAsync(world.Host, 5, properties: [0x21, 0, 1]);
        await SubscribeAsync(device, 5, "commands/#", 1);
        await world.SendAsync("a");
        var (_, id, _) = Read(await device.ReadAsync(), 5);
        using var speaker = await RawClient.ConnectAsync(world.Host, 5, clientId: "speaker");
        await speaker.SendAsync(RawClient.Publish(5, "commands/start", "1", 1, 7));
        Assert.Equal(0x40, (await speaker.ReadAsync())![0]);
        await world.SendAsync("b");
        await device.SendAsync(Ping);
        Assert.Equal([0xD0, 0], await device.ReadAsync());
        await AcknowledgeAsync(device, id);
        var topics = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            var next = Read(await device.ReadAsync(), 5);
            topics.Add(next.Topic);
            await AcknowledgeAsync(device, next.Id);
        }

        Assert.Equal(["commands/2", "commands/start"], topics.Order(StringComparer.Ordinal));
        await world.BecomesAsync(2, DeviceCommandState.Delivered);
    }

    [Fact]
    public async Task A_command_too_large_for_the_client_is_not_sent_and_the_next_is()
    {
        await using var world = await StartAsync();
        using var refused = Refusals(world);
        await world.SendAsync("large", $"\"{new string('x', 1000)}\"");
        await world.SendAsync("small");
        using var device = await RawClient.ConnectAsync(world.Host, 5, properties: [0x27, 0, 0, 2, 0]);
        await SubscribeAsync(device, 5, "commands/#", 1);
        Assert.Equal("commands/2", Read(await device.ReadAsync(), 5).Topic);
        Assert.Equal(["command_too_large"], Reasons(refused));
        Assert.Equal(DeviceCommandState.Waiting, (await world.FindAsync(1)).State);
    }

    [Fact]
    public async Task Who_refuses_a_command_has_not_got_it()
    {
        await using var world = await StartAsync();
        await world.SendAsync("a");
        await world.SendAsync("b");
        using var device = await RawClient.ConnectAsync(world.Host, 5);
        await SubscribeAsync(device, 5, "commands/#", 1);
        await AcknowledgeAsync(device, Read(await device.ReadAsync(), 5).Id, reason: 0x83);
        await AcknowledgeAsync(device, Read(await device.ReadAsync(), 5).Id, reason: 0);
        await world.BecomesAsync(2, DeviceCommandState.Delivered);
        Assert.Equal(DeviceCommandState.Waiting, (await world.FindAsync(1)).State);
    }

    [Fact]
    public async Task Without_acknowledgements_and_after_an_unsubscription_none_come()
    {
        await using var world = await StartAsync();
        await world.SendAsync("a");
        using var device = await RawClient.ConnectAsync(world.Host);
        await SubscribeAsync(device, 4, "commands/#", 0);
        await HearsOwnAsync("1", 0x30);
        await SubscribeAsync(device, 4, "commands/#", 1);
        Assert.Equal("commands/1", Read(await device.ReadAsync(), 4).Topic);
        await device.SendAsync([0xA2, 14, 0, 98, 0, 10, .. "commands/#"u8]);
        Assert.Equal(0xB0, (await device.ReadAsync())![0]);
        await world.SendAsync("b");
        await SubscribeAsync(device, 4, "status/#", 0);
        await device.SendAsync(RawClient.Publish(4, "status/own", "2", 0));
        Assert.Equal(0x30, (await device.ReadAsync())![0]);

        // It begins anew with the next subscription.
        await SubscribeAsync(device, 4, "commands/+", 1);
        Assert.Equal("commands/2", Read(await device.ReadAsync(), 4).Topic);

        async Task HearsOwnAsync(string text, byte first)
        {
            await device.SendAsync(RawClient.Publish(4, "commands/own", text, 0));
            Assert.Equal(first, (await device.ReadAsync())![0]);
        }
    }

    [Theory]
    [InlineData("press@other")]
    [InlineData("pump@plant")]
    public async Task Nobody_else_gets_or_answers_them(string user)
    {
        await using var world = await StartAsync();
        using var refused = Refusals(world);
        await world.SendAsync("secret", needsAnswer: true);
        using var spy = await RawClient.ConnectAsync(world.Host, 5, user);
        foreach (var filter in (string[])["#", "commands/#", "plant/press/commands/#", "+/+/commands/#"])
            await SubscribeAsync(spy, 5, filter, 1);
        using var device = await RawClient.ConnectAsync(world.Host, 5);
        await SubscribeAsync(device, 5, "commands/#", 1);
        Assert.Equal("commands/1", Read(await device.ReadAsync(), 5).Topic);
        await spy.SendAsync(RawClient.Publish(5, "responses/1", "1"));
        Assert.Equal([0x40, 3, 0, 1, 0x90], await spy.ReadAsync());
        Assert.Equal(["command_unknown"], Reasons(refused));
        Assert.Equal(DeviceCommandState.Waiting, (await world.FindAsync(1)).State);
    }

    [Theory]
    [InlineData(4, "responses/1", null, DeviceCommandState.Succeeded)]
    [InlineData(5, "responses/1", "application/json", DeviceCommandState.Succeeded)]
    [InlineData(4, "responses/1/failed", null, DeviceCommandState.Failed)]
    [InlineData(5, "responses/1/failed", null, DeviceCommandState.Failed)]
    public async Task A_device_answers(byte version, string topic, string? contentType, DeviceCommandState state)
    {
        await using var world = await StartAsync();
        await world.SendAsync("a", needsAnswer: true);
        using var device = await RawClient.ConnectAsync(world.Host, version);
        byte[]? properties = contentType is null ? null : [0x03, 0, (byte)contentType.Length, .. Encoding.UTF8.GetBytes(contentType)];
        await device.SendAsync(RawClient.Publish(version, topic, """{"ok":1}""", properties: properties));
        Assert.Equal([0x40, 2, 0, 1], await device.ReadAsync());
        var command = await world.FindAsync(1);
        Assert.Equal((state, contentType), (command.State, command.Answer!.ContentType));
        Assert.Equal("""{"ok":1}""", Encoding.UTF8.GetString(command.Answer.Data.Span));
    }

    [Fact]
    public async Task By_MQTT_5_a_property_says_that_it_could_not_be_done()
    {
        await using var world = await StartAsync();
        await world.SendAsync("a");
        using var device = await RawClient.ConnectAsync(world.Host, 5);
        await device.SendAsync(RawClient.Publish(5, "responses/1", "stuck", properties: Failed));
        Assert.Equal([0x40, 2, 0, 1], await device.ReadAsync());
        Assert.Equal(DeviceCommandState.Failed, (await world.FindAsync(1)).State);
    }

    [Fact]
    public async Task An_answer_at_QoS_2_is_taken_once_and_one_at_QoS_0_without_a_word()
    {
        await using var world = await StartAsync();
        await world.SendAsync("a", needsAnswer: true);
        await world.SendAsync("b", needsAnswer: true);
        using var device = await RawClient.ConnectAsync(world.Host, 5);
        for (var i = 0; i < 2; i++)
        {
            await device.SendAsync(RawClient.Publish(5, "responses/1", "1", 2, 9));
            Assert.Equal([0x50, 2, 0, 9], await device.ReadAsync());
        }

        await device.SendAsync([0x62, 2, 0, 9]);
        Assert.Equal([0x70, 2, 0, 9], await device.ReadAsync());
        await device.SendAsync(RawClient.Publish(5, "responses/2", "1", 0));
        await world.BecomesAsync(2, DeviceCommandState.Succeeded);
        Assert.Equal(DeviceCommandState.Succeeded, (await world.FindAsync(1)).State);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task An_answer_is_acknowledged_once_it_is_committed(byte version)
    {
        await using var world = await StartAsync();
        await world.SendAsync("a", needsAnswer: true);
        world.Commands.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var device = await RawClient.ConnectAsync(world.Host, version);
        await device.SendAsync(RawClient.Publish(version, "responses/1", "1"));
        await world.Commands.Begun.Task;
        var acknowledged = device.ReadAsync();
        Assert.False(acknowledged.IsCompleted);
        world.Commands.Gate.SetResult();
        Assert.Equal([0x40, 2, 0, 1], await acknowledged);
        Assert.Equal(DeviceCommandState.Succeeded, (await world.FindAsync(1)).State);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task An_answer_that_cannot_be_kept_is_not_acknowledged_and_ends_the_connection(byte version)
    {
        await using var world = await StartAsync();
        using var refused = Refusals(world);
        await world.SendAsync("a", needsAnswer: true);
        world.Commands.IsDown = true;
        using var device = await RawClient.ConnectAsync(world.Host, version);
        await device.SendAsync(RawClient.Publish(version, "responses/1", "1"));
        Assert.Null(await device.ReadAsync());
        Assert.Equal(["server_unavailable"], Reasons(refused));
        world.Commands.IsDown = false;
        using var again = await RawClient.ConnectAsync(world.Host, version);
        await again.SendAsync(RawClient.Publish(version, "responses/1", "1"));
        Assert.Equal([0x40, 2, 0, 1], await again.ReadAsync());
    }

    [Theory]
    [InlineData("responses/3", 0x90, "command_unknown")]
    [InlineData("responses/0", 0x90, "command_unknown")]
    [InlineData("responses/2", 0x83, "command_over")]
    public async Task An_answer_to_what_is_not_open_is_refused_where_that_can_be_said(string topic, byte reason, string metric)
    {
        await using var world = await StartAsync();
        using var refused = Refusals(world);
        await world.SendAsync("a");
        await world.SendAsync("b");
        await world.Commands.CancelAsync(Plant, Press, 2);
        using var five = await RawClient.ConnectAsync(world.Host, 5);
        await five.SendAsync(RawClient.Publish(5, topic, "1"));
        Assert.Equal([0x40, 3, 0, 1, reason], await five.ReadAsync());
        await five.SendAsync(RawClient.Publish(5, topic, "1", 2, 2));
        Assert.Equal([0x50, 3, 0, 2, reason], await five.ReadAsync());
        using var three = await RawClient.ConnectAsync(world.Host, 4, clientId: "three");
        await three.SendAsync(RawClient.Publish(4, topic, "1"));
        Assert.Equal([0x40, 2, 0, 1], await three.ReadAsync());
        Assert.Equal([metric, metric, metric], Reasons(refused));
    }

    [Fact]
    public async Task An_answer_that_may_not_be_is_refused()
    {
        await using var world = await StartAsync();
        await world.SendAsync("a", needsAnswer: true);
        using var five = await RawClient.ConnectAsync(world.Host, 5);
        await five.SendAsync(RawClient.Publish(5, "responses/1", new string('x', DeviceCommandAnswer.MaxDataBytes + 1)));
        Assert.Equal([0x40, 3, 0, 1, 0x97], await five.ReadAsync());
        await five.SendAsync(RawClient.Publish(5, "responses/1", "1", properties: [0x03, 0, 2, .. "ü"u8]));
        Assert.Equal([0x40, 3, 0, 1, 0x99], await five.ReadAsync());
        using var three = await RawClient.ConnectAsync(world.Host, 4, clientId: "three");
        await three.SendAsync(RawClient.Publish(4, "responses/1", new string('x', DeviceCommandAnswer.MaxDataBytes + 1)));
        Assert.Null(await three.ReadAsync());
        Assert.Equal(DeviceCommandState.Waiting, (await world.FindAsync(1)).State);
    }

    [Theory]
    [InlineData("responses/done")]
    [InlineData("responses/17/log")]
    [InlineData("responses")]
    public async Task What_is_no_answer_stays_the_devices_own_message(string topic)
    {
        await using var world = await StartAsync();
        using var device = await RawClient.ConnectAsync(world.Host);
        await SubscribeAsync(device, 4, "responses/#", 0);
        await device.SendAsync(RawClient.Publish(4, topic, "mine", 0));
        Assert.EndsWith("mine", Encoding.UTF8.GetString((await device.ReadAsync())!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_commands_in_the_host_all_of_it_is_the_devices_own()
    {
        await using var host = await MqttHost.StartAsync();
        using var device = await RawClient.ConnectAsync(host);
        await SubscribeAsync(device, 4, "#", 1);
        await device.SendAsync(RawClient.Publish(4, "responses/17", "mine", 0));
        Assert.EndsWith("mine", Encoding.UTF8.GetString((await device.ReadAsync())!), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("#", true)]
    [InlineData("+/#", true)]
    [InlineData("+/+", true)]
    [InlineData("+/+/#", true)]
    [InlineData("commands/#", true)]
    [InlineData("commands/+", true)]
    [InlineData("commands/+/#", true)]
    [InlineData("commands", false)]
    [InlineData("+", false)]
    [InlineData("commands/17", false)]
    [InlineData("commands/+/+", false)]
    [InlineData("responses/#", false)]
    public void Filters_that_match_all_commands_take_them(string filter, bool takes) =>
        Assert.Equal(takes, CommandTopics.TakesCommands(filter));

    private static MetricCollector<long> Refusals(CommandWorld world) =>
        new(world.Host.Services.GetRequiredService<IMeterFactory>(), "Insa.Iiot.Protocols.Mqtt", "insa.iiot.mqtt.refusals");

    private static IEnumerable<string> Reasons(MetricCollector<long> refusals) =>
        refusals.GetMeasurementSnapshot().Select(one => (string)one.Tags["reason"]!);
}
