using System.Text.Json;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Streams;
using Insa.Iiot.Protocols.Coap.Tests.Peers;
using Insa.Iiot.Protocols.Coap.Tests.Streams;

namespace Insa.Iiot.Protocols.Coap.Tests.Server;

public sealed class CommandsTests
{
    private static readonly (int, byte[]) Register = (CoapOptionNumber.Observe, []);

    [Fact]
    public async Task A_command_is_delivered_once_its_notification_is_acknowledged()
    {
        await using var commands = await CommandWorld.StartAsync();
        await RegisterAsync(commands);
        var id = await commands.SendAsync("open-valve", """{"percent":40}""");
        var told = await commands.World.Wire.NextAsync();
        Assert.Equal((CoapType.Confirmable, CoapCode.Content), (told.Type, told.Code));
        Assert.NotNull(told.UInt(CoapOptionNumber.Observe));
        var command = Assert.Single(JsonDocument.Parse(told.Payload).RootElement.EnumerateArray());
        Assert.Equal(id, command.GetProperty("id").GetInt64());
        Assert.Equal("open-valve", command.GetProperty("name").GetString());
        Assert.Equal(40, command.GetProperty("data").GetProperty("percent").GetInt32());
        Assert.False(command.GetProperty("needs_answer").GetBoolean());
        Assert.Equal(command.GetProperty("created_at").GetDateTime().AddDays(1), command.GetProperty("expires_at").GetDateTime());
        Assert.Equal(DeviceCommandState.Waiting, await commands.StateAsync(id));
        commands.Acknowledge(told);
        await commands.BecomesAsync(id, DeviceCommandState.Delivered);
        Assert.Null(commands.World.Wire.Next());
    }

    [Fact]
    public async Task What_waited_is_the_answer_to_the_registration_as_a_message_that_is_confirmed()
    {
        await using var commands = await CommandWorld.StartAsync();
        var id = await commands.SendAsync("a");
        Ask(commands, "commands", Register);
        var empty = await commands.World.Wire.NextAsync();
        Assert.Equal((CoapType.Acknowledgement, 0), (empty.Type, empty.Code.Value));
        var answer = await commands.World.Wire.NextAsync();
        Assert.Equal((CoapType.Confirmable, CoapCode.Content), (answer.Type, answer.Code));
        Assert.Equal([1, 2], answer.Token);
        Assert.NotNull(answer.UInt(CoapOptionNumber.Observe));
        Assert.Equal("a", Names(answer));

        // Nothing more until it has said that it has this.
        var next = await commands.SendAsync("b");
        Assert.Null(commands.World.Wire.Next());
        commands.Acknowledge(answer);
        await commands.BecomesAsync(id, DeviceCommandState.Delivered);
        var told = await commands.World.Wire.NextAsync();
        Assert.Equal("b", Names(told));
        commands.Acknowledge(told);
        await commands.BecomesAsync(next, DeviceCommandState.Delivered);
    }

    [Fact]
    public async Task A_device_that_only_asks_confirms_too()
    {
        await using var commands = await CommandWorld.StartAsync();
        var id = await commands.SendAsync("a");
        Ask(commands, "commands");
        Assert.Equal(0, (await commands.World.Wire.NextAsync()).Code.Value);
        var answer = await commands.World.Wire.NextAsync();
        Assert.Null(answer.UInt(CoapOptionNumber.Observe));
        Assert.Equal(0u, answer.UInt(CoapOptionNumber.MaxAge));
        commands.Acknowledge(answer);
        await commands.BecomesAsync(id, DeviceCommandState.Delivered);
        Ask(commands, "commands");
        answer = await commands.World.Wire.NextAsync();
        Assert.Equal((CoapType.Acknowledgement, "[]"), (answer.Type, answer.Text));
    }

    [Fact]
    public async Task A_device_that_does_not_acknowledge_is_told_again_when_it_is_back()
    {
        await using var commands = await CommandWorld.StartAsync();
        await RegisterAsync(commands);
        var id = await commands.SendAsync("a");
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("a", Names(await commands.World.Wire.NextAsync()));
            commands.World.Pass(TimeSpan.FromSeconds(50));
        }

        Assert.Equal(0, commands.World.Endpoint.ObserverCount);
        Assert.Equal(DeviceCommandState.Waiting, await commands.StateAsync(id));
        Ask(commands, "commands", Register);
        Assert.Equal(0, (await commands.World.Wire.NextAsync()).Code.Value);
        commands.Acknowledge(await commands.World.Wire.NextAsync());
        await commands.BecomesAsync(id, DeviceCommandState.Delivered);
    }

    [Fact]
    public async Task A_device_that_resets_has_not_got_it()
    {
        await using var commands = await CommandWorld.StartAsync();
        await RegisterAsync(commands);
        var id = await commands.SendAsync("a");
        commands.World.Receive(Wire.Empty(CoapType.Reset, (await commands.World.Wire.NextAsync()).Id));
        Assert.Equal(0, commands.World.Endpoint.ObserverCount);
        Assert.Equal(DeviceCommandState.Waiting, await commands.StateAsync(id));
    }

    [Fact]
    public async Task A_command_that_needs_an_answer_is_shown_until_it_has_one()
    {
        await using var commands = await CommandWorld.StartAsync();
        await RegisterAsync(commands);
        var id = await commands.SendAsync("measure", needsAnswer: true);
        commands.Acknowledge(await commands.World.Wire.NextAsync());
        await commands.BecomesAsync(id, DeviceCommandState.Delivered);
        Assert.Equal("measure", Names(await commands.World.AskAsync(CoapCode.Get, "commands")));
        var answer = await commands.World.AskAsync(
            CoapCode.Post,
            $"commands?id={id}&status=failed",
            "{}"u8.ToArray(),
            (CoapOptionNumber.ContentFormat, [CoapContentFormat.Json])
        );
        Assert.Equal(CoapCode.Changed, answer.Code);
        var command = (await commands.Commands.FindAsync(CommandWorld.Plant, CommandWorld.Press, id))!;
        Assert.Equal((DeviceCommandState.Failed, "application/json"), (command.State, command.Answer!.ContentType));
        Assert.Equal("[]", (await commands.World.AskAsync(CoapCode.Get, "commands")).Text);
    }

    [Theory]
    [InlineData("commands?id=2", "4.04")]
    [InlineData("commands?id=0", "4.04")]
    [InlineData("commands", "4.00")]
    [InlineData("commands?id=x", "4.00")]
    [InlineData("commands?id=-1", "4.00")]
    [InlineData("commands?id=99999999999999999999", "4.00")]
    [InlineData("commands?id=1&status=perhaps", "4.00")]
    [InlineData("commands?id=1&device=pump", "4.03")]
    [InlineData("commands?id=1&device=%", "4.03")]
    public async Task An_answer_that_makes_no_sense_is_refused(string path, string code)
    {
        await using var commands = await CommandWorld.StartAsync();
        await commands.SendAsync("a");
        Assert.Equal(code, (await commands.World.AskAsync(CoapCode.Post, path)).Code.ToString());
        Assert.Equal(DeviceCommandState.Waiting, await commands.StateAsync(1));
    }

    [Fact]
    public async Task An_answer_that_is_too_late_too_large_or_of_no_known_kind_is_refused()
    {
        await using var commands = await CommandWorld.StartAsync();
        await commands.SendAsync("a");
        var unknown = await commands.World.AskAsync(
            CoapCode.Post,
            "commands?id=1",
            [1],
            (CoapOptionNumber.ContentFormat, Wire.UInt(65000))
        );
        Assert.Equal(CoapCode.UnsupportedContentFormat, unknown.Code);
        await commands.Commands.CancelAsync(CommandWorld.Plant, CommandWorld.Press, 1);
        Assert.Equal(CoapCode.Conflict, (await commands.World.AskAsync(CoapCode.Post, "commands?id=1")).Code);
        Assert.Equal(
            CoapCode.NotAcceptable,
            (await commands.World.AskAsync(CoapCode.Get, "commands", null, (CoapOptionNumber.Accept, [40]))).Code
        );
        commands.World.Receive(Wire.Request(CoapType.Confirmable, CoapCode.Get, 1, [1], "commands"));
        Assert.Equal(CoapCode.Unauthorized, (await commands.World.Wire.NextAsync()).Code);
    }

    [Fact]
    public async Task A_gateway_takes_the_commands_of_its_devices_and_nobody_elses()
    {
        await using var commands = await CommandWorld.StartAsync();
        var (pump, gate) = (DeviceId.Parse("pump"), DeviceId.Parse("gate"));
        const string AsGate = "token=gate@plant:" + CoapWorld.Secret;
        commands.World.Receive(
            Wire.Request(CoapType.Confirmable, CoapCode.Get, 1, [1], "commands?device=pump&" + AsGate, default, Register)
        );
        Assert.Equal("[]", (await commands.World.Wire.NextAsync()).Text);
        await commands.SendAsync("of-gate", device: gate);
        await commands.SendAsync("of-press");
        var id = await commands.SendAsync("of-pump", device: pump);
        var told = await commands.World.Wire.NextAsync();
        Assert.Equal("of-pump", Names(told));
        commands.Acknowledge(told);
        await commands.BecomesAsync(id, DeviceCommandState.Delivered, pump);
        commands.World.Receive(Wire.Request(CoapType.Confirmable, CoapCode.Get, 2, [2], "commands?device=press&" + AsGate));
        Assert.Equal(CoapCode.Forbidden, (await commands.World.Wire.NextAsync()).Code);

        // A name of another tenant's is a name of one's own tenant's.
        commands.World.Receive(Wire.Request(CoapType.Confirmable, CoapCode.Get, 3, [3], "commands?token=press@other:" + CoapWorld.Secret));
        Assert.Equal("[]", (await commands.World.Wire.NextAsync()).Text);
    }

    [Fact]
    public async Task Many_commands_come_in_several_notifications_and_in_order()
    {
        await using var commands = await CommandWorld.StartAsync();
        await RegisterAsync(commands);
        var names = Enumerable.Range(0, 40).Select(i => $"command-{i}").ToList();
        foreach (var name in names)
            await commands.SendAsync(name, $"\"{new string('x', 50)}\"");
        var told = new List<string>();
        while (told.Count < names.Count)
        {
            var message = await commands.World.Wire.NextAsync();
            Assert.Null(message.Option(CoapOptionNumber.Block2));
            told.AddRange(Names(message).Split(' '));
            commands.Acknowledge(message);
        }

        Assert.Equal(names, told);
        await commands.BecomesAsync(names.Count, DeviceCommandState.Delivered);
    }

    [Fact]
    public async Task A_command_that_comes_in_blocks_is_confirmed_by_its_answer()
    {
        await using var commands = await CommandWorld.StartAsync();
        await RegisterAsync(commands);
        var id = await commands.SendAsync("large", $"\"{new string('x', 3000)}\"");
        var told = await commands.World.Wire.NextAsync();
        Assert.True(told.Block(CoapOptionNumber.Block2).HasMore);
        commands.Acknowledge(told);
        Assert.Equal(CoapCode.Changed, (await commands.World.AskAsync(CoapCode.Post, $"commands?id={id}")).Code);
        Assert.Equal(DeviceCommandState.Succeeded, await commands.StateAsync(id));
    }

    [Fact]
    public async Task Cbor_says_the_same()
    {
        await using var commands = await CommandWorld.StartAsync();
        await commands.SendAsync("a", """{"n":[1,-2,2.5,1e400,null,true,"é\n",{}],"o":{}}""");
        Ask(commands, "commands", (CoapOptionNumber.Accept, [CoapContentFormat.Cbor]));
        await commands.World.Wire.NextAsync();
        var cbor = (await commands.World.Wire.NextAsync()).Payload;
        var text = Convert.ToHexString(cbor);
        Assert.StartsWith("81A6" + "626964" + "01" + "646E616D65" + "6161" + "6464617461", text, StringComparison.Ordinal);
        Assert.Contains(
            "BF"
                + "616E"
                + "9F"
                + "01"
                + "21"
                + "FB4004000000000000"
                + "FB7FF0000000000000"
                + "F6"
                + "F5"
                + "63C3A90A"
                + "BFFF"
                + "FF"
                + "616F"
                + "BFFF"
                + "FF",
            text,
            StringComparison.Ordinal
        );
        Assert.EndsWith("6C6E656564735F616E73776572" + "F4", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Over_a_connection_a_pong_is_the_confirmation()
    {
        await using var commands = await CommandWorld.StartAsync(hasStreams: true);
        await using var raw = await RawStream.OpenAsync(commands.World.Addresses[1]);
        await raw.SendAsync(RawStream.Ask(CoapCode.Get, "commands?" + CoapWorld.Token, 5, Register));
        Assert.Equal("[]", (await raw.NextAsync())!.Text);
        var first = await commands.SendAsync("a");
        Assert.Equal("a", Names((await raw.NextAsync())!));
        var ping = await raw.NextAsync();
        Assert.Equal(Signal.Ping, ping!.Code);
        Assert.NotNull(ping.Option(Signal.Custody));
        var second = await commands.SendAsync("b");
        Assert.Equal(DeviceCommandState.Waiting, await commands.StateAsync(first));
        await raw.SendAsync([0x00, 0xE3]);
        await commands.BecomesAsync(first, DeviceCommandState.Delivered);
        Assert.Equal("b", Names((await raw.NextAsync())!));
        Assert.Equal(Signal.Ping, (await raw.NextAsync())!.Code);
        await raw.DisposeAsync();

        // It left without a word.
        await using var again = await RawStream.OpenAsync(commands.World.Addresses[1]);
        await again.SendAsync(RawStream.Ask(CoapCode.Get, "commands?" + CoapWorld.Token, 5));
        Assert.Equal("b", Names((await again.NextAsync())!));
        Assert.Equal(DeviceCommandState.Waiting, await commands.StateAsync(second));
    }

    [Theory]
    [InlineData("coap", 0)]
    [InlineData("coap+tcp", 1)]
    public async Task The_client_of_this_package_takes_commands(string scheme, int listener)
    {
        await using var commands = await CommandWorld.StartAsync(isRealTime: true, hasStreams: true);
        await using var client = await CoapClient.ConnectAsync(new Uri($"{scheme}://{commands.World.Addresses[listener]}"));
        var request = new CoapRequest(CoapCode.Get, "/commands?" + CoapWorld.Token);
        var names = new List<string>();
        await foreach (var told in client.ObserveAsync(request))
        {
            names.AddRange(
                JsonDocument.Parse(told.Payload).RootElement.EnumerateArray().Select(one => one.GetProperty("name").GetString()!)
            );
            if (names.Count == 5)
                break;
            if (names.Count > 0)
                await commands.BecomesAsync(names.Count, DeviceCommandState.Delivered);
            await commands.SendAsync($"c{names.Count}");
        }

        Assert.Equal(["c0", "c1", "c2", "c3", "c4"], names);
    }

    [Theory]
    [Trait("Category", "Peer")]
    [InlineData("coap", 0)]
    [InlineData("coap+tcp", 1)]
    public async Task Libcoaps_client_takes_commands(string scheme, int listener)
    {
        const string Client = "coap-client-notls";
        Peer.Require(Client);
        await using var commands = await CommandWorld.StartAsync(isRealTime: true, hasStreams: true);
        var first = await commands.SendAsync("first");
        var uri = $"{scheme}://{commands.World.Addresses[listener]}/commands?{CoapWorld.Token}";
        var running = Peer.RunAsync(Client, "-m", "get", "-s", "6", uri);
        await commands.BecomesAsync(first, DeviceCommandState.Delivered);
        var second = await commands.SendAsync("second");
        await commands.BecomesAsync(second, DeviceCommandState.Delivered);
        var (output, _) = await running;
        Assert.Contains("\"first\"", output, StringComparison.Ordinal);
        Assert.Contains("\"second\"", output, StringComparison.Ordinal);
    }

    private static string Names(Sent message) =>
        string.Join(
            ' ',
            JsonDocument.Parse(message.Payload).RootElement.EnumerateArray().Select(one => one.GetProperty("name").GetString())
        );

    private static void Ask(CommandWorld commands, string path, params (int, byte[])[] options) =>
        commands.World.Receive(
            Wire.Request(
                CoapType.Confirmable,
                CoapCode.Get,
                (ushort)Random.Shared.Next(1000, 60_000),
                [1, 2],
                path + "?" + CoapWorld.Token,
                default,
                options
            )
        );

    private static async Task RegisterAsync(CommandWorld commands)
    {
        Ask(commands, "commands", Register);
        var answer = await commands.World.Wire.NextAsync();
        Assert.Equal((CoapType.Acknowledgement, CoapCode.Content, "[]"), (answer.Type, answer.Code, answer.Text));
        Assert.NotNull(answer.UInt(CoapOptionNumber.Observe));
    }
}
