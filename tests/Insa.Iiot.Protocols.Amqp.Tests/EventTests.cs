using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class EventTests(BrokerFixture fixture)
{
    // Nobody listens there.
    private static readonly Uri NoBroker = new("amqp://guest:guest@127.0.0.1:1");

    [Fact]
    public async Task An_event_comes_with_the_attributes_of_cloud_events()
    {
        await using var world = new EventWorld();
        var subscriber = await world.SubscribeAsync(fixture.Broker.Uri, "insa.alarm.#");
        var host = await world.StartAsync(fixture.Broker.Uri);
        await world.PublishAsync(host, "insa.alarm.raised", id: "a-1", data: """{"level":2}""");

        var message = await subscriber.TakeAsync();
        var headers = message.BasicProperties.Headers!;
        Assert.Equal("""{"level":2}""", Encoding.UTF8.GetString(message.Body.Span));
        Assert.Equal($"events.{world.Tenant(1)}.insa.alarm.raised", message.RoutingKey);
        Assert.Equal(("a-1", "application/json"), (message.BasicProperties.MessageId, message.BasicProperties.ContentType));
        Assert.True(message.BasicProperties.Persistent);
        string[] expected =
        [
            "cloudEvents:id=a-1",
            "cloudEvents:source=https://iiot.example.com",
            "cloudEvents:specversion=1.0",
            "cloudEvents:subject=press",
            $"cloudEvents:tenant={world.Tenant(1)}",
            "cloudEvents:time=2026-11-26T12:30:00.125Z",
            "cloudEvents:type=insa.alarm.raised",
        ];
        var attributes = headers.Where(one => one.Key.StartsWith("cloudEvents:", StringComparison.Ordinal));
        Assert.Equal(
            expected,
            attributes.Select(one => $"{one.Key}={Encoding.UTF8.GetString((byte[])one.Value!)}").Order(StringComparer.Ordinal)
        );
        await world.WaitForEmptyAsync(host);
    }

    [Fact]
    public async Task Events_of_each_tenant_come_in_their_order()
    {
        const int Count = 150;
        await using var world = new EventWorld();
        var one = await world.SubscribeAsync(fixture.Broker.Uri, "#", 1);
        var other = await world.SubscribeAsync(fixture.Broker.Uri, "#", 2);
        var host = await world.StartAsync(fixture.Broker.Uri);
        await Task.WhenAll(PublishAsync(1), PublishAsync(2));
        Assert.Equal(EventWorld.Names("1-", Count), await one.TakeIdsAsync(Count));
        Assert.Equal(EventWorld.Names("2-", Count), await other.TakeIdsAsync(Count));

        async Task PublishAsync(int tenant)
        {
            foreach (var id in EventWorld.Names($"{tenant}-", Count))
                await world.PublishAsync(host, "x", tenant, id);
        }
    }

    [Fact]
    public async Task An_event_that_nobody_listens_for_is_dropped_and_counted()
    {
        await using var world = new EventWorld();
        var host = await world.StartAsync(fixture.Broker.Uri);
        using var dropped = EventWorld.Dropped(host);
        await world.PublishAsync(host, "unheard");
        await world.WaitForEmptyAsync(host);
        Assert.Equal("no_subscriber", Assert.Single(dropped.GetMeasurementSnapshot()).Tags["reason"]);
        var subscriber = await world.SubscribeAsync(fixture.Broker.Uri, "heard");
        await world.PublishAsync(host, "heard", id: "h");
        Assert.Equal(["h"], await subscriber.TakeIdsAsync(1));
    }

    [Fact]
    public async Task Two_hosts_that_publish_for_one_tenant_lose_nothing()
    {
        const int Count = 60;
        await using var world = new EventWorld();
        var subscriber = await world.SubscribeAsync(fixture.Broker.Uri, "#");
        var one = await world.StartAsync(fixture.Broker.Uri);
        var other = await world.StartAsync(fixture.Broker.Uri);
        string[] ids = [.. EventWorld.Names("1-", Count), .. EventWorld.Names("2-", Count)];
        await Task.WhenAll(ids.Select(id => world.PublishAsync(id[0] == '1' ? one : other, "x", id: id)));
        await world.WaitForEmptyAsync(one);
        var found = new HashSet<string>(StringComparer.Ordinal);
        while (found.Count < ids.Length)
            found.Add((await subscriber.TakeAsync()).BasicProperties.MessageId!);
        Assert.Equal(ids.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_a_host_that_died_has_left_another_one_sends_in_order()
    {
        const int Count = 50;
        await using var world = new EventWorld();
        var subscriber = await world.SubscribeAsync(fixture.Broker.Uri, "#");
        var dead = world.Make(fixture.Broker.Uri);
        foreach (var id in EventWorld.Names("", Count))
            await world.PublishAsync(dead, "x", id: id);
        await world.StartAsync(fixture.Broker.Uri, time: new ShiftedTime(TimeSpan.FromSeconds(30)));
        Assert.Equal(EventWorld.Names("", Count), await subscriber.TakeIdsAsync(Count));
    }

    [Fact]
    public async Task What_a_host_without_a_broker_has_taken_one_with_a_broker_sends()
    {
        await using var world = new EventWorld();
        var subscriber = await world.SubscribeAsync(fixture.Broker.Uri, "#");
        var cut = await world.StartAsync(NoBroker);
        await world.PublishAsync(cut, "x", id: "a");
        await world.StartAsync(fixture.Broker.Uri);
        Assert.Equal(["a"], await subscriber.TakeIdsAsync(1));
    }

    [Fact]
    public async Task As_many_wait_as_may_and_one_more_is_refused_while_other_tenants_have_room()
    {
        await using var world = new EventWorld();
        var host = await world.StartAsync(NoBroker, amqp => amqp.Events!.MaxWaiting = 3);
        for (var i = 0; i < 3; i++)
            await world.PublishAsync(host, "x");
        await Assert.ThrowsAsync<LimitReachedException>(() => world.PublishAsync(host, "x"));
        await world.PublishAsync(host, "x", number: 2);
    }

    [Fact]
    public async Task Without_options_events_are_dropped_and_counted()
    {
        await using var world = new EventWorld();
        var host = await world.StartAsync(fixture.Broker.Uri, amqp => amqp.Events = null);
        using var dropped = EventWorld.Dropped(host);
        await world.PublishAsync(host, "x");
        Assert.Equal("off", Assert.Single(dropped.GetMeasurementSnapshot()).Tags["reason"]);
    }

    [Fact]
    public async Task What_is_not_an_event_is_refused()
    {
        await using var world = new EventWorld();
        var events = world.Make(NoBroker).Services.GetRequiredService<IEventPublisher>();
        var good = new PlatformEvent
        {
            Tenant = world.Tenant(1),
            Type = "x",
            Time = DateTime.UnixEpoch,
            Data = new byte[64 * 1024],
        };
        await events.PublishAsync(good);
        PlatformEvent[] bad =
        [
            good with
            {
                Tenant = default,
            },
            good with
            {
                Type = "",
            },
            good with
            {
                Type = "a b",
            },
            good with
            {
                Type = "a#",
            },
            good with
            {
                Subject = "",
            },
            good with
            {
                Subject = "a\u0000",
            },
            good with
            {
                Subject = "\ud800",
            },
            good with
            {
                DataContentType = "ü",
            },
            good with
            {
                Id = "",
            },
            good with
            {
                Id = new string('x', 129),
            },
            good with
            {
                Data = new byte[(64 * 1024) + 1],
            },
        ];
        foreach (var one in bad)
            await Assert.ThrowsAnyAsync<ArgumentException>(() => events.PublishAsync(one).AsTask());
    }
}
