using System.Globalization;
using Insa.Iiot.Peers;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>
/// The broker, the network and the cluster fail under load. What was confirmed to the publisher is stored, once, and all goes on by itself.
/// docs/durability.md tells how to run it for longer.
/// </summary>
public sealed class FaultTests(HarmedBroker harmed, ITestOutputHelper output) : IClassFixture<HarmedBroker>
{
    private const int Between = 300;
    private static readonly TimeSpan Recovery = TimeSpan.FromMinutes(3);

    private static int Cycles(int fewest) =>
        Environment.GetEnvironmentVariable("IIOT_KILL_CYCLES") is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : fewest;

    [Fact]
    public async Task Connections_and_memory_fail_under_load()
    {
        var broker = harmed.Broker;
        await using var proxy = new TcpProxy(broker.Port);
        var direct = broker.Uri;
        await using var world = await AmqpWorld.StartAsync(
            direct,
            amqp => amqp.Uri = new Uri($"amqp://guest:guest@127.0.0.1:{proxy.Port}"),
            isStored: true
        );
        await using var load = new ConfirmedLoad(world.Queue, direct);

        // The network between host and broker is cut.
        for (var cycle = 0; cycle < Cycles(10); cycle++)
        {
            await load.ConfirmedAsync(Between);
            proxy.Cut();
            proxy.Mend();
            await world.WaitForLogAsync(4000, cycle + 2);
        }

        // An operator closes all connections, the publisher's too.
        await load.ConfirmedAsync(Between);
        var before = world.CountLogs(4000);
        await broker.ControlAsync("close_all_connections", "maintenance");
        await world.WaitForLogAsync(4000, before + 1);

        // Too little memory: publishers are blocked, the host goes on and empties the queue.
        await load.ConfirmedAsync(Between);
        await broker.ControlAsync("set_vm_memory_high_watermark", "0.00001");
        await world.WaitForEmptyAsync();
        await broker.ControlAsync("set_vm_memory_high_watermark", "0.4");
        await load.ConfirmedAsync(Between);

        await CheckAsync(world, load);
    }

    [Fact]
    public async Task A_queue_that_is_deleted_is_made_anew_and_consumed()
    {
        var broker = harmed.Broker;
        await using var world = await AmqpWorld.StartAsync(broker.Uri);
        await world.Channel.QueueDeleteAsync(world.Queue);
        await world.WaitForLogAsync(4034);
        await world.PublishAsync("""{"data":{"n":1}}""");
        await world.WaitForStoredAsync(1);
        Assert.Equal(
            "the queue is gone",
            Assert.Single(world.Logs.Collector.GetSnapshot(), log => log.Id.Id == 4030).GetStructuredStateValue("Reason")
        );
    }

    [Fact]
    public async Task A_channel_that_the_broker_ends_is_made_anew_and_its_messages_come_again()
    {
        // It waits half an hour for an acknowledgement, if one lets it.
        var broker = harmed.Broker;
        await SetTimeoutAsync(1000, 500);
        await using var world = await AmqpWorld.StartAsync(broker.Uri);
        world.HoldCommits();
        await world.PublishAsync("""{"data":{"n":1},"timestamp":1790000000000}""");
        await world.HeldWrite;
        await AmqpWorld.UntilAsync(() => Task.FromResult(world.CountLogs(4030) + world.CountLogs(4002) > 0));
        await SetTimeoutAsync(1_800_000, 60_000);
        world.ReleaseCommits();

        // A channel that was made meanwhile may still be of the short time, and end once more.
        await world.WaitForEmptyAsync();
        Assert.All(world.Stored, row => Assert.Equal(1, row.Value.AsDouble()));

        Task SetTimeoutAsync(int timeout, int interval) =>
            broker.ControlAsync(
                "eval",
                $"application:set_env(rabbit, consumer_timeout, {timeout}), application:set_env(rabbit, channel_tick_interval, {interval})."
            );
    }

    [Fact]
    public async Task A_broker_is_killed_and_started_again_under_load()
    {
        var broker = harmed.Broker;

        // With quorum queues it takes a cluster: 3.10 may leave the only node of one without a leader (rabbitmq-server #10070), that of the dead letters too.
        await using var world = await AmqpWorld.StartAsync(
            broker.Uri,
            amqp => amqp.Telemetry[0].QueueType = AmqpQueueType.Classic,
            isStored: true
        );
        await using var load = new ConfirmedLoad(world.Queue, broker.Uri);
        for (var cycle = 0; cycle < Cycles(2); cycle++)
        {
            await load.ConfirmedAsync(Between);
            await broker.KillAsync();
            await broker.StartAgainAsync();
            var since = TimeProvider.System.GetTimestamp();
            await broker.ControlAsync(
                "eval",
                "[ra:trigger_election(amqqueue:get_pid(Q)) || Q <- rabbit_amqqueue:list(), amqqueue:get_type(Q) == rabbit_quorum_queue]."
            );
            await world.WaitForLogAsync(4000, cycle + 2);
            output.WriteLine($"Consuming {TimeProvider.System.GetElapsedTime(since).TotalSeconds:F1} s after the broker was back.");
        }

        await CheckAsync(world, load);
    }

    [Fact]
    public async Task A_node_of_a_cluster_is_killed_under_load()
    {
        BrokerFixture.Require();
        var nodes = await RabbitMqBroker.StartClusterAsync(3);
        try
        {
            foreach (var node in nodes)
                AmqpWorld.Current[node.Port] = node;
            await using var world = await AmqpWorld.StartAsync(
                nodes[0].Uri,
                amqp =>
                {
                    amqp.Nodes.Add($"127.0.0.1:{nodes[1].Port}");
                    amqp.Nodes.Add($"127.0.0.1:{nodes[2].Port}");
                },
                isStored: true
            );
            await using var load = new ConfirmedLoad(world.Queue, [.. nodes.Select(node => node.Uri)]);
            await load.ConfirmedAsync(Between);
            await nodes[0].KillAsync();
            await load.ConfirmedAsync(Between);
            await CheckAsync(world, load);
        }
        finally
        {
            await RabbitMqBroker.DisposeAsync(nodes);
        }
    }

    private async Task CheckAsync(AmqpWorld world, ConfirmedLoad load)
    {
        var count = await load.StopAsync();
        using var patience = new CancellationTokenSource(Recovery);
        var stored = await world.ReadNumbersAsync();
        while (stored.Count < count)
        {
            await Task.Delay(50, patience.Token);
            stored = await world.ReadNumbersAsync();
        }

        stored.Sort();
        Assert.Equal(Enumerable.Range(0, count), stored);
        output.WriteLine($"{count} confirmed, {stored.Count} stored, none twice.");
    }
}
