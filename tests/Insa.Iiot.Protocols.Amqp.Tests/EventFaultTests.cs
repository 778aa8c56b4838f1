namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class EventFaultTests(HarmedBroker fixture) : IClassFixture<HarmedBroker>
{
    [Fact]
    public async Task Events_that_are_published_while_the_broker_is_away_come_when_it_is_back_in_their_order()
    {
        const int Count = 40;
        await using var world = new EventWorld();
        await world.SubscribeAsync(fixture.Broker.Uri, "#");
        await fixture.Broker.SettleQueuesAsync();
        var host = await world.StartAsync(fixture.Broker.Uri);
        var ids = EventWorld.Names("", 3 * Count).ToList();
        foreach (var id in ids.Take(Count))
            await world.PublishAsync(host, "x", id: id);
        var killing = fixture.Broker.KillAsync();
        foreach (var id in ids.Skip(Count).Take(Count))
            await world.PublishAsync(host, "x", id: id);
        await killing;
        foreach (var id in ids.Skip(2 * Count))
            await world.PublishAsync(host, "x", id: id);
        await fixture.Broker.StartAgainAsync();

        var subscriber = await world.SubscribeAsync(fixture.Broker.Uri, "#");
        var found = new List<string>();
        while (found.Count == 0 || found[^1] != ids[^1])
            found.Add((await subscriber.TakeAsync()).BasicProperties.MessageId!);

        // One whose confirmation was lost comes twice, one after the other.
        Assert.Equal(ids, found.Distinct(StringComparer.Ordinal));
        Assert.Equal(found.Order(StringComparer.Ordinal), found);
    }
}
