namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class TelemetryTests(BrokerFixture fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_reading_is_stored_for_the_device_of_its_routing_key()
    {
        await using var world = await AmqpWorld.StartAsync(fixture.Broker.Uri);
        await world.PublishAsync("""{"data":{"temp":21.5}}""");
        await world.WaitForStoredAsync(1);
        Assert.Equal(("plant", "press", "temp", TelemetryValue.Of(21.5)), Assert.Single(world.Stored));
        await world.WaitForEmptyAsync();
    }

    [Fact]
    public async Task No_acknowledgement_comes_before_the_commit()
    {
        await using var world = await AmqpWorld.StartAsync(fixture.Broker.Uri);
        world.HoldCommits();
        await world.PublishAsync("""{"data":{"temp":1}}""");
        await world.HeldWrite.WaitAsync(Patience);
        await world.WaitForCountAsync(world.Queue, 1);
        world.ReleaseCommits();
        await world.WaitForEmptyAsync();
        Assert.Single(world.Stored);
    }

    [Fact]
    public async Task Many_messages_are_stored_in_their_order_and_all_acknowledged()
    {
        const int Count = 5000;
        await using var world = await AmqpWorld.StartAsync(fixture.Broker.Uri);
        var published = Enumerable.Range(0, Count).Select(i => world.PublishAsync($$$"""{"data":{"n":{{{i}}}}}""")).ToList();
        await Task.WhenAll(published);
        await world.WaitForStoredAsync(Count);
        Assert.Equal(Enumerable.Range(0, Count).Select(i => (double)i), world.Stored.Select(row => row.Value.AsDouble()));
        await world.WaitForEmptyAsync();
    }

    [Fact]
    public async Task What_cannot_be_read_is_a_dead_letter_and_what_comes_after_it_is_stored()
    {
        await using var world = await AmqpWorld.StartAsync(fixture.Broker.Uri);
        await world.PublishAsync("""{"data":{"n":1}}""");
        await world.PublishAsync("{");
        await world.PublishAsync("""{"data":{"n":2}}""", adjust: properties => properties.ContentType = "image/png");
        await world.PublishAsync("""{"data":{"n":3}}""", "telemetry.nobody");
        await world.PublishAsync("""{"data":{"n":4}}""", "telemetry.saw");
        await world.PublishAsync("""{"device_id":"gate","data":{"n":5}}""");
        await world.PublishAsync("""{"data":{"n":6}}""", "telemetry.press");
        Assert.Equal(5, (await world.TakeDeadLettersAsync(5)).Count);
        await world.WaitForStoredAsync(2);
        Assert.Equal([1, 6], world.Stored.Select(row => row.Value.AsDouble()));
        await world.WaitForEmptyAsync();
    }

    [Fact]
    public async Task A_gateway_speaks_for_its_devices()
    {
        await using var world = await AmqpWorld.StartAsync(fixture.Broker.Uri);
        await world.PublishAsync("""{"device_id":"pump","data":{"n":1}}""", "telemetry.gate");
        await world.WaitForStoredAsync(1);
        Assert.Equal("pump", Assert.Single(world.Stored).Device);
    }

    [Fact]
    public async Task A_tenant_in_a_header_or_a_payload_is_nobodys()
    {
        await using var world = await AmqpWorld.StartAsync(fixture.Broker.Uri);
        await world.PublishAsync(
            """{"tenant":"other","data":{"n":1}}""",
            adjust: properties => properties.Headers = new Dictionary<string, object?> { ["tenant"] = "other", ["x-tenant-id"] = "other" }
        );
        await world.WaitForStoredAsync(1);
        Assert.All(world.Stored, row => Assert.Equal("plant", row.Tenant));
    }

    [Fact]
    public async Task A_user_id_that_the_broker_has_checked_names_the_device()
    {
        await using var world = await AmqpWorld.StartAsync(fixture.Broker.Uri, amqp => amqp.Telemetry[0].Device = AmqpDeviceSource.UserId);
        var registry = (IDeviceRegistry)world.Services.GetService(typeof(IDeviceRegistry))!;
        await registry.AddAsync(AmqpWorld.Plant, new Device { Id = DeviceId.Parse("guest") });
        await world.PublishAsync("""{"data":{"n":1}}""", adjust: properties => properties.UserId = "guest");
        await world.WaitForStoredAsync(1);
        Assert.Equal("guest", Assert.Single(world.Stored).Device);
        await world.PublishAsync("""{"data":{"n":2}}""");
        Assert.Single(await world.TakeDeadLettersAsync(1));
        Assert.Single(world.Stored);
    }
}
