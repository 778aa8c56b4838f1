using System.Text.Json;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Microsoft.Extensions.DependencyInjection;
using static Insa.Iiot.Protocols.OpcUa.Tests.InteropWorld;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>With the client of node-opcua, over the whole pipeline and a store.</summary>
[Trait("Category", "Peer")]
public sealed class SubscriptionPeerTests
{
    [Fact]
    public async Task It_gets_what_is_written_and_what_devices_say_in_order_and_all_of_it()
    {
        await using var world = await StartAsync();
        var (said, written) = (Numbers(400), Numbers(40));
        var result = await world.RunAsync(
            "watch",
            new
            {
                items = new[] { new { node = Level, last = Last }, new { node = Temperature, last = Last } },
                writes = new Dictionary<string, double[]> { [Temperature] = written },
            },
            _ => world.SayAllAsync("level", said)
        );
        Assert.True(result.GetProperty("ok").GetBoolean(), result.GetRawText());
        Assert.Equal([0, .. said], Values(result.GetProperty("values")[0]));
        Assert.Equal([0, .. written], Values(result.GetProperty("values")[1]));
    }

    [Fact]
    public async Task Deadbands_keep_from_it_what_is_too_near()
    {
        await using var world = await StartAsync();

        // The range of the level is 50 wide: 10 % of it are 5, and a change must be greater.
        double[] said = [3, 5, 5.1, 7, 0.2, 0, 5, 10.3, Last];
        var result = await world.RunAsync(
            "watch",
            new
            {
                items = new[]
                {
                    new
                    {
                        node = Level,
                        last = Last,
                        deadband = (object?)new { type = "Absolute", value = 2.0 },
                    },
                    new
                    {
                        node = Level,
                        last = Last,
                        deadband = (object?)new { type = "Percent", value = 10.0 },
                    },
                    new
                    {
                        node = Level,
                        last = Last,
                        deadband = (object?)null,
                    },
                },
            },
            _ => world.SayAllAsync("level", said)
        );
        Assert.True(result.GetProperty("ok").GetBoolean(), result.GetRawText());
        Assert.Equal(Passing(said, 2), Values(result.GetProperty("values")[0]));
        Assert.Equal(Passing(said, 5), Values(result.GetProperty("values")[1]));
        Assert.Equal([0, .. said], Values(result.GetProperty("values")[2]));
    }

    [Fact]
    public async Task What_is_sampled_comes_when_what_triggers_it_does()
    {
        await using var world = await StartAsync();
        var result = await world.RunAsync("trigger", new { trigger = Temperature, sampled = Level });
        Assert.True(result.GetProperty("ok").GetBoolean(), result.GetRawText());
        Assert.Equal(["Good", "BadMonitoredItemIdInvalid"], Texts(result.GetProperty("added")));

        // The first value may have been there before the link was: then the trigger's own first report takes it along.
        Assert.Subset(new HashSet<double> { 0 }, Values(result.GetProperty("before")).ToHashSet());
        Assert.Equal([0, 1, 2, 3], Values(result.GetProperty("triggered")));
        Assert.Equal(["Good"], Texts(result.GetProperty("removed")));
        Assert.Equal([0, 1, 2, 3], Values(result.GetProperty("after")));
    }

    [Fact]
    public async Task Its_items_are_listed_sent_again_and_requests_are_taken_back()
    {
        await using var world = await StartAsync();
        var result = await world.RunAsync("methods", new { nodes = new[] { Temperature, Level } });
        Assert.True(result.GetProperty("ok").GetBoolean(), result.GetRawText());
        Assert.True(result.GetProperty("sameItems").GetBoolean());
        Assert.Equal("BadSubscriptionIdInvalid", result.GetProperty("foreign").GetString());
        Assert.Equal("Good", result.GetProperty("resent").GetString());
        Assert.Equal("BadSubscriptionIdInvalid", result.GetProperty("resentForeign").GetString());
        Assert.Equal(
            [
                [0, 0],
                [0, 0],
            ],
            result.GetProperty("values").EnumerateArray().Select(Values)
        );
        Assert.Equal((1, 0), (result.GetProperty("cancelled").GetInt32(), result.GetProperty("cancelledAgain").GetInt32()));
        Assert.Equal("BadRequestCancelledByClient", result.GetProperty("takenBack").GetString());
    }

    [Fact]
    public async Task Another_session_takes_its_subscription_over_after_a_cut_and_has_what_was_lost_on_the_way()
    {
        await using var world = await StartAsync();
        var said = Numbers(600);
        var result = await world.RunAsync(
            "transfer",
            new { node = Level, last = Last },
            _ => world.SayAllAsync("level", said),
            waits: true
        );
        Assert.True(result.GetProperty("ok").GetBoolean(), result.GetRawText());
        Assert.Equal(["Good", "BadSubscriptionIdInvalid"], Texts(result.GetProperty("statuses")));
        Assert.Equal([0, .. said], Values(result.GetProperty("values")));
        Assert.True(result.GetProperty("unbroken").GetBoolean(), result.GetRawText());
        Assert.True(result.GetProperty("same").GetBoolean(), result.GetRawText());
        Assert.InRange(result.GetProperty("gained").GetInt32(), 1, int.MaxValue);
        Assert.Equal(2, result.GetProperty("firstAvailable").GetInt32());
        Assert.Equal("BadMessageNotAvailable", result.GetProperty("acknowledged").GetString());
    }

    [Fact]
    public async Task It_loses_nothing_when_it_is_cut_again_and_again_and_its_session_is_gone_at_last()
    {
        await using var world = await StartAsync();
        var said = Numbers(1000);

        // Never more at once than an item's queue holds.
        var portions = new Queue<double[]>(said.Chunk(250));
        var result = await world.RunAsync(
            "survive",
            new { node = Level, last = Last },
            what => what == "close session" ? CloseSessions(world) : world.SayAllAsync("level", portions.Dequeue()),
            waits: true
        );
        Assert.True(result.GetProperty("ok").GetBoolean(), result.GetRawText());
        Assert.Equal(["same", "same", "same", "other"], Texts(result.GetProperty("events")));
        Assert.True(result.GetProperty("isKept").GetBoolean(), "The subscription was made anew.");
        Assert.Equal([0, .. said], Values(result.GetProperty("values")));
    }

    private static Task CloseSessions(InteropWorld world)
    {
        var table = world.Host.Services.GetRequiredService<SessionTable>();
        foreach (var session in table.All)
            Assert.True(table.Close(session, deleteSubscriptions: false, "timeout"));
        return Task.CompletedTask;
    }

    // 1, 2, 3 and so on, and the last one.
    private static double[] Numbers(int count) => [.. Enumerable.Range(1, count - 1).Select(number => (double)number), Last];

    // A value passes if it is further than the deadband from the last that has (OPC 10000-4 §7.22.2).
    private static List<double> Passing(double[] values, double deadband)
    {
        var passing = new List<double> { 0 };
        foreach (var value in values)
        {
            if (Math.Abs(value - passing[^1]) > deadband)
                passing.Add(value);
        }

        return passing;
    }

    private static double[] Values(JsonElement values) => [.. values.EnumerateArray().Select(value => value.GetDouble())];

    private static IEnumerable<string?> Texts(JsonElement texts) => texts.EnumerateArray().Select(text => text.GetString());
}
