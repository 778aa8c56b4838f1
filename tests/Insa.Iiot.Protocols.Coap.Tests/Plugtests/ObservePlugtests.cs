using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Tests.Plugtests;

/// <summary>ETSI CoAP#4, TD_COAP_OBS, the server's side.</summary>
public sealed class ObservePlugtests
{
    private static readonly (int, byte[]) Register = (CoapOptionNumber.Observe, []);
    private static readonly (int, byte[]) Deregister = (CoapOptionNumber.Observe, [1]);

    [Fact] // TD_COAP_OBS_01, TD_COAP_OBS_09
    public async Task Changes_are_told_by_confirmable_messages_in_their_order()
    {
        await using var world = await PlugtestWorld.StartAsync();
        var sequence = (await RegisterAsync(world, "obs")).UInt(CoapOptionNumber.Observe);
        for (var i = 1; i < 10; i++)
        {
            Change(world, "obs", $"{i}");
            var notification = await world.World.Wire.NextAsync();
            Assert.Equal((CoapType.Confirmable, CoapCode.Content, $"{i}"), (notification.Type, notification.Code, notification.Text));
            Assert.Equal([0xA, 0xB], notification.Token);
            Assert.True(notification.UInt(CoapOptionNumber.Observe) > sequence);
            sequence = notification.UInt(CoapOptionNumber.Observe);
            world.Acknowledge(notification);
        }
    }

    [Fact] // TD_COAP_OBS_02
    public async Task Every_fifth_change_is_told_by_a_confirmable_message_if_the_others_are_not()
    {
        await using var world = await PlugtestWorld.StartAsync();
        await RegisterAsync(world, "obs-non");
        var types = new List<CoapType>();
        for (var i = 1; i <= 10; i++)
        {
            Change(world, "obs-non", $"{i}");
            var notification = await world.World.Wire.NextAsync();
            types.Add(notification.Type);
            if (notification.Type == CoapType.Confirmable)
                world.Acknowledge(notification);
        }

        Assert.Equal(2, types.Count(type => type == CoapType.Confirmable));
        Assert.Equal(CoapType.Confirmable, types[4]);
    }

    [Fact] // TD_COAP_OBS_04: by Max-Age the client sees that it is forgotten
    public async Task Notifications_say_how_long_they_hold()
    {
        await using var world = await PlugtestWorld.StartAsync();
        Assert.Equal(30u, (await RegisterAsync(world, "obs")).UInt(CoapOptionNumber.MaxAge));
        Change(world, "obs", "1");
        Assert.Equal(30u, (await world.World.Wire.NextAsync()).UInt(CoapOptionNumber.MaxAge));
    }

    [Fact] // TD_COAP_OBS_05
    public async Task An_observer_that_is_off_is_forgotten()
    {
        await using var world = await PlugtestWorld.StartAsync();
        await RegisterAsync(world, "obs");
        Change(world, "obs", "1");
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(CoapType.Confirmable, (await world.World.Wire.NextAsync()).Type);
            world.World.Pass(TimeSpan.FromSeconds(50));
        }

        Assert.Equal(0, world.World.Endpoint.ObserverCount);
    }

    [Theory] // TD_COAP_OBS_06
    [InlineData("obs")]
    [InlineData("obs-non")]
    public async Task An_observer_that_resets_is_forgotten(string path)
    {
        await using var world = await PlugtestWorld.StartAsync();
        await RegisterAsync(world, path);
        Change(world, path, "1");
        world.World.Receive(Wire.Empty(CoapType.Reset, (await world.World.Wire.NextAsync()).Id));
        Assert.Equal(0, world.World.Endpoint.ObserverCount);
    }

    [Fact] // TD_COAP_OBS_07
    public async Task Observers_are_told_that_what_they_observe_is_gone()
    {
        await using var world = await PlugtestWorld.StartAsync();
        await RegisterAsync(world, "obs");
        world.Send(CoapType.NonConfirmable, CoapCode.Delete, "obs", [9], null, (CoapOptionNumber.NoResponse, [26]));
        var notification = await world.World.Wire.NextAsync();
        Assert.Equal((CoapType.Confirmable, CoapCode.NotFound), (notification.Type, notification.Code));
        Assert.Null(notification.Option(CoapOptionNumber.Observe));
        Assert.Equal(0, world.World.Endpoint.ObserverCount);
    }

    [Fact] // TD_COAP_OBS_08
    public async Task An_observer_of_one_format_is_not_told_in_another()
    {
        var format = CoapContentFormat.Text;
        CoapResource? resource = null;
        await using var world = await CoapWorld.StartAsync(coap =>
        {
            resource = coap.Map("state")
                .On(
                    CoapCode.Get,
                    (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Content) { ContentFormat = format, Payload = "1"u8.ToArray() })
                );
            resource.IsObservable = true;
        });
        Assert.NotNull((await world.AskAsync(CoapCode.Get, "state", null, Register)).UInt(CoapOptionNumber.Observe));
        resource!.NotifyChanged();
        Assert.Equal(CoapCode.Content, (await world.Wire.NextAsync()).Code);
        format = CoapContentFormat.Json;
        resource.NotifyChanged();
        var last = await world.Wire.NextAsync();
        Assert.Equal((CoapType.Confirmable, CoapCode.NotAcceptable), (last.Type, last.Code));
        Assert.Null(last.Option(CoapOptionNumber.Observe));
        Assert.Equal(0, world.Endpoint.ObserverCount);
    }

    [Fact] // TD_COAP_OBS_10
    public async Task A_plain_get_leaves_the_observer()
    {
        await using var world = await PlugtestWorld.StartAsync();
        await RegisterAsync(world, "obs");
        Assert.Null((await world.AskAsync(CoapCode.Get, "obs")).Option(CoapOptionNumber.Observe));
        Assert.Equal(1, world.World.Endpoint.ObserverCount);
    }

    [Fact] // TD_COAP_OBS_11
    public async Task A_notification_that_was_lost_comes_again()
    {
        await using var world = await PlugtestWorld.StartAsync();
        await RegisterAsync(world, "obs");
        Change(world, "obs", "1");
        var lost = await world.World.Wire.NextAsync();

        // What changes meanwhile is in the next one, and not in a queue.
        Change(world, "obs", "2");
        Change(world, "obs", "3");
        world.World.Pass(TimeSpan.FromSeconds(3.1));
        var again = await world.World.Wire.NextAsync();
        Assert.Equal(lost.Datagram, again.Datagram);
        world.Acknowledge(again);
        Assert.Equal("3", (await world.World.Wire.NextAsync()).Text);
    }

    [Fact] // TD_COAP_OBS_12
    public async Task An_observer_may_take_its_leave()
    {
        await using var world = await PlugtestWorld.StartAsync();
        await RegisterAsync(world, "obs");
        Assert.Null((await world.AskAsync(CoapCode.Get, "obs", null, Deregister)).Option(CoapOptionNumber.Observe));
        Assert.Equal(0, world.World.Endpoint.ObserverCount);
    }

    [Fact] // TD_COAP_OBS_13, TD_COAP_OBS_14
    public async Task A_large_change_is_told_by_its_first_block_and_the_rest_is_read()
    {
        await using var world = await PlugtestWorld.StartAsync();
        await RegisterAsync(world, "obs-large");
        foreach (var text in new[] { PlugtestResources.Large.Replace('0', 'x'), "small", PlugtestResources.Large.Replace('0', 'y') })
        {
            world.Resources.Set("obs-large", System.Text.Encoding.UTF8.GetBytes(text));
            world.Resources.ObservedLarge.NotifyChanged();
            var notification = await world.World.Wire.NextAsync();
            var body = notification.Text;
            for (var number = 1; text.Length > 1024 && number < 2; number++)
            {
                Assert.True(notification.Block(CoapOptionNumber.Block2).HasMore);
                body += (
                    await world.AskAsync(
                        CoapCode.Get,
                        "obs-large",
                        null,
                        (CoapOptionNumber.Block2, Wire.UInt(new CoapBlock(number, false, 6).Value))
                    )
                ).Text;
            }

            Assert.Equal(text, body);
        }
    }

    [Fact]
    public async Task A_registration_of_the_same_token_takes_the_formers_place_and_others_are_bounded()
    {
        await using var world = await PlugtestWorld.StartAsync();
        await RegisterAsync(world, "obs");
        await RegisterAsync(world, "obs-non");
        Assert.Equal(1, world.World.Endpoint.ObserverCount);
        for (byte i = 0; i < 40; i++)
        {
            world.Send(CoapType.Confirmable, CoapCode.Get, "obs", [i], null, Register);
            await world.World.Wire.NextAsync();
        }

        Assert.Equal(16, world.World.Endpoint.ObserverCount);
    }

    [Fact]
    public async Task A_reset_ends_one_observation_and_leaves_the_others()
    {
        await using var world = await PlugtestWorld.StartAsync();
        await RegisterAsync(world, "obs");
        world.Send(CoapType.Confirmable, CoapCode.Get, "obs-non", [0xC], null, Register);
        await world.World.Wire.NextAsync();
        Change(world, "obs", "1");
        world.World.Receive(Wire.Empty(CoapType.Reset, (await world.World.Wire.NextAsync()).Id));
        Assert.Equal(1, world.World.Endpoint.ObserverCount);
        Change(world, "obs-non", "1");
        Assert.Equal([0xC], (await world.World.Wire.NextAsync()).Token);
    }

    [Fact]
    public async Task A_registration_anew_goes_on_with_newer_numbers()
    {
        await using var world = await PlugtestWorld.StartAsync();
        var number = (await RegisterAsync(world, "obs-non")).UInt(CoapOptionNumber.Observe);
        for (var i = 0; i < 3; i++)
        {
            Change(world, "obs-non", $"{i}");
            number = (await world.World.Wire.NextAsync()).UInt(CoapOptionNumber.Observe);
        }

        Assert.True((await RegisterAsync(world, "obs-non")).UInt(CoapOptionNumber.Observe) > number);
    }

    [Fact]
    public async Task A_change_while_an_observer_registers_is_told()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        CoapResource? resource = null;
        var state = "old";
        await using var world = await CoapWorld.StartAsync(coap =>
        {
            resource = coap.Map("state");
            resource.IsObservable = true;
            resource.On(
                CoapCode.Get,
                async (_, _) =>
                {
                    var read = Volatile.Read(ref state);
                    asked.TrySetResult();
                    await gate.Task;
                    return new CoapResponse(CoapCode.Content) { Payload = System.Text.Encoding.UTF8.GetBytes(read) };
                }
            );
        });
        var answer = world.AskAsync(CoapCode.Get, "state", null, Register);
        await asked.Task;
        Volatile.Write(ref state, "new");
        resource!.NotifyChanged();
        gate.SetResult();
        Assert.Equal("old", (await answer).Text);
        Assert.Equal("new", (await world.Wire.NextAsync()).Text);
    }

    private static Task<Sent> RegisterAsync(PlugtestWorld world, string path) => world.AskAsync(CoapCode.Get, path, null, Register);

    private static void Change(PlugtestWorld world, string path, string text)
    {
        world.Resources.Set(path, System.Text.Encoding.UTF8.GetBytes(text));
        (path == "obs" ? world.Resources.Observed : world.Resources.ObservedNon).NotifyChanged();
    }
}
