using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>Queues that a host names while it runs, and how it says that it can reach them.</summary>
public sealed class BindingTests(BrokerFixture fixture)
{
    [Fact]
    public async Task Queues_come_and_go_without_a_restart()
    {
        var source = new ChangingBindings();
        await using var world = await AmqpWorld.StartAsync(
            fixture.Broker.Uri,
            amqp =>
            {
                // A publisher's host at first: nothing is consumed, and all is well.
                source.Binding = amqp.Telemetry[0];
                amqp.Telemetry.Clear();
                amqp.BindingsInterval = TimeSpan.FromSeconds(1);
            },
            source: source,
            isReachable: false
        );
        Assert.Equal(HealthStatus.Healthy, await HealthAsync(world));
        Assert.Equal(0, world.CountLogs(4000));

        source.Bindings = [source.Binding!, new AmqpTelemetryBinding { Queue = "", Tenant = AmqpWorld.Plant }];
        await world.WaitForLogAsync(4000);
        await world.WaitForLogAsync(4033);
        await world.PublishAsync("""{"data":{"n":1}}""");
        await world.WaitForStoredAsync(1);

        // One that fails changes nothing.
        source.Bindings = null;
        await world.WaitForLogAsync(4032);
        await world.PublishAsync("""{"data":{"n":2}}""");
        await world.WaitForStoredAsync(2);

        source.Bindings = [];
        await AmqpWorld.UntilAsync(async () => await world.Channel.ConsumerCountAsync(world.Queue) == 0);
        Assert.Equal(HealthStatus.Healthy, await HealthAsync(world));
    }

    [Fact]
    public async Task A_queue_that_differs_is_told_of_once_and_makes_the_host_unhealthy()
    {
        await using var world = await AmqpWorld.StartAsync(fixture.Broker.Uri);
        await using var other = await AmqpWorld.StartAsync(
            fixture.Broker.Uri,
            amqp =>
            {
                amqp.Telemetry[0].Queue = world.Queue;
                amqp.Telemetry[0].DeliveryLimit = 7;
            },
            isReachable: false
        );
        await other.WaitForLogAsync(4003);
        await AmqpWorld.UntilAsync(async () => await HealthAsync(other) == HealthStatus.Unhealthy);
        Assert.Equal(HealthStatus.Healthy, await HealthAsync(world));
        await world.PublishAsync("""{"data":{"n":1}}""");
        await world.WaitForStoredAsync(1);
        Assert.Equal(1, other.CountLogs(4003));
    }

    [Fact]
    public async Task Where_nothing_is_to_be_declared_what_is_missing_is_waited_for()
    {
        await using var maker = await AmqpWorld.StartAsync(fixture.Broker.Uri);
        await using var world = await AmqpWorld.StartAsync(fixture.Broker.Uri, amqp => amqp.DeclaresTopology = false, isReachable: false);
        await world.WaitForLogAsync(4031);
        await maker.Channel.QueueDeclareAsync(world.Queue, durable: true, exclusive: false, autoDelete: false);
        await maker.Channel.QueueBindAsync(world.Queue, maker.Queue, "telemetry.#");
        await world.WaitForLogAsync(4034);
        await maker.PublishAsync("""{"data":{"n":1}}""");
        await world.WaitForStoredAsync(1);
    }

    private static async Task<HealthStatus> HealthAsync(AmqpWorld world) =>
        (await world.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Status;

    private sealed class ChangingBindings : IAmqpBindingSource
    {
        public volatile IReadOnlyList<AmqpTelemetryBinding>? Bindings = [];

        public AmqpTelemetryBinding? Binding { get; set; }

        public ValueTask<IReadOnlyList<AmqpTelemetryBinding>> ReadAsync(CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(Bindings ?? throw new TimeoutException("The tenants cannot be read."));
    }
}
