using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>Publishers who mean no good, or know no better: their messages are dead letters, and others are not held up.</summary>
public sealed class HostileTests(BrokerFixture fixture)
{
    [Fact]
    public async Task What_is_too_large_is_a_dead_letter_and_the_connection_lives_on()
    {
        await using var world = await AmqpWorld.StartAsync(fixture.Broker.Uri);
        await world.PublishAsync(new string(' ', 300_000) + """{"data":{"n":1}}""");

        // More than the client library takes unless it is told to.
        await world.PublishAsync(new string(' ', 70_000_000) + """{"data":{"n":2}}""");
        await world.PublishAsync("""{"data":{"n":3}}""");
        await world.WaitForStoredAsync(1);
        await world.WaitForEmptyAsync();
        Assert.Equal([300_016, 70_000_016], (await world.TakeDeadLettersAsync(2)).Select(letter => letter.Length).Order());
        Assert.Equal(3, Assert.Single(world.Stored).Value.AsDouble());
        Assert.Equal(1, world.CountLogs(4000));
    }

    [Fact]
    public async Task The_payload_may_name_any_device_of_the_tenant_and_none_else()
    {
        await using var world = await AmqpWorld.StartAsync(fixture.Broker.Uri, amqp => amqp.Telemetry[0].Device = AmqpDeviceSource.Payload);
        await world.PublishAsync("""{"device_id":"press","data":{"n":1}}""", "telemetry.any");
        await world.PublishAsync("""{"device_id":"elsewhere","data":{"n":2}}""", "telemetry.any");
        await world.PublishAsync("""{"data":{"n":3}}""", "telemetry.press");
        await world.PublishAsync("""[{"device_id":"press","data":{"n":4}},{"device_id":"gate","data":{"n":5}}]""", "telemetry.any");
        await world.PublishAsync("""[{"device_id":"gate","data":{"n":6}},{"device_id":"pump","data":{"n":7}}]""", "telemetry.any");
        await world.WaitForStoredAsync(3);
        await world.WaitForEmptyAsync();
        Assert.Equal([("press", 1d), ("gate", 6d), ("pump", 7d)], world.Stored.Select(row => (row.Device, row.Value.AsDouble())));
    }

    [Fact]
    public async Task A_forged_user_id_does_not_pass_the_broker()
    {
        await using var world = await AmqpWorld.StartAsync(fixture.Broker.Uri, amqp => amqp.Telemetry[0].Device = AmqpDeviceSource.UserId);
        var forged = await Assert.ThrowsAnyAsync<Exception>(() =>
            world.PublishAsync("""{"data":{"n":1}}""", adjust: properties => properties.UserId = "press")
        );
        Assert.True(forged is OperationInterruptedException or AlreadyClosedException or PublishException, forged.GetType().Name);
        await world.WaitForEmptyAsync();
        Assert.Empty(world.Stored);
    }

    [Fact]
    public async Task A_full_queue_refuses_its_publishers_and_loses_nothing()
    {
        await using var world = await AmqpWorld.StartAsync(
            fixture.Broker.Uri,
            amqp =>
            {
                amqp.Telemetry[0].Prefetch = 1;
                amqp.Telemetry[0].MaxMessages = 5;
            }
        );
        world.HoldCommits();
        var confirmed = 0;
        for (var refused = false; !refused; )
        {
            try
            {
                await world.PublishAsync($$$"""{"data":{"n":{{{confirmed}}}}}""");
                confirmed++;
            }
            catch (PublishException)
            {
                refused = true;
            }

            Assert.InRange(confirmed, 0, 100);
        }

        world.ReleaseCommits();
        await world.WaitForStoredAsync(confirmed);
        await world.WaitForEmptyAsync();
        Assert.Equal(Enumerable.Range(0, confirmed), world.Stored.Select(row => (int)row.Value.AsDouble()));
    }

    [Fact]
    public async Task One_tenants_trouble_does_not_hold_up_another()
    {
        var other = TenantId.Parse("other");
        await using var world = await AmqpWorld.StartAsync(
            fixture.Broker.Uri,
            amqp =>
            {
                var queue = amqp.Telemetry[0].Queue + ".other";
                amqp.Telemetry.Add(
                    new AmqpTelemetryBinding
                    {
                        Queue = queue,
                        Exchange = queue,
                        Tenant = other,
                    }
                );
            }
        );
        await world.Registry.AddAsync(other, new Device { Id = AmqpWorld.Press });
        await world.Channel.QueueDeleteAsync(world.Queue + ".other");
        for (var i = 0; i < 100; i++)
            await world.PublishAsync($$$"""{"data":{"n":{{{i}}}}}""");
        await world.WaitForStoredAsync(100);
        Assert.Equal(1, world.CountLogs(4000));
        Assert.Equal(0, world.CountLogs(4002));

        // What is the other's goes to the other.
        await world.WaitForLogAsync(4034);
        await world.Channel.BasicPublishAsync(
            world.Queue + ".other",
            "telemetry.press",
            mandatory: true,
            new BasicProperties(),
            Encoding.UTF8.GetBytes("""{"data":{"n":1}}""")
        );
        await world.WaitForStoredAsync(101);
        Assert.Equal("other", world.Stored.Last().Tenant);
    }
}
