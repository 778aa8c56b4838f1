using System.Globalization;
using System.Text;
using Insa.Iiot.Protocols.Amqp.Publishing;

namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class PublisherTests(BrokerFixture fixture)
{
    [Fact]
    public async Task What_is_published_is_in_the_queue_in_the_order_of_the_calls()
    {
        const int Count = 3000;
        await using var world = PublisherWorld.Make(fixture.Broker.Uri);
        var names = Enumerable.Range(0, Count).Select(i => i.ToString(CultureInfo.InvariantCulture)).ToList();
        await Task.WhenAll(names.Select(name => world.PublishAsync(name)));
        Assert.Equal(names, await world.TakeAllAsync());
        Assert.Equal(Count, world.Published.GetMeasurementSnapshot().Sum(one => one.Value));
    }

    [Fact]
    public async Task Many_callers_publish_at_once_and_a_body_is_its_callers_again_when_its_publish_is_over()
    {
        const int Callers = 16;
        const int Each = 200;
        await using var world = PublisherWorld.Make(fixture.Broker.Uri, window: 8);
        await Task.WhenAll(
            Enumerable
                .Range(0, Callers)
                .Select(async caller =>
                {
                    var body = new byte[8];
                    for (var i = 0; i < Each; i++)
                    {
                        var text = $"{caller:d3}.{i:d4}";
                        Encoding.ASCII.GetBytes(text, body);
                        await world.PublishAsync(text, body: body);
                        body.AsSpan().Fill((byte)'x');
                    }
                })
        );
        var found = await world.TakeAllAsync();
        var expected = Enumerable.Range(0, Callers).SelectMany(caller => Enumerable.Range(0, Each).Select(i => $"{caller:d3}.{i:d4}"));
        Assert.Equal(expected, found.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_message_that_no_queue_takes_is_unroutable_and_those_around_it_are_not()
    {
        await using var world = PublisherWorld.Make(fixture.Broker.Uri);
        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, 30).Select(i => PublisherWorld.OutcomeAsync(world.PublishAsync($"m{i:d2}", i % 3 == 1 ? "nowhere" : null)))
        );
        Assert.Equal(Enumerable.Range(0, 30).Select(i => i % 3 == 1 ? PublishFailure.Unroutable : (PublishFailure?)null), outcomes);
        Assert.Equal(20, (await world.TakeAllAsync()).Count);
        Assert.Equal("unroutable=10", world.ReasonsOfFailures());
    }

    [Fact]
    public async Task A_full_queue_that_rejects_refuses_and_what_was_confirmed_is_in_it()
    {
        await using var world = PublisherWorld.Make(fixture.Broker.Uri, arguments: [("x-max-length", 5), ("x-overflow", "reject-publish")]);
        var confirmed = new List<string>();
        PublishFailure? outcome = null;
        for (var i = 0; outcome is null; i++)
        {
            Assert.InRange(i, 0, 1000);
            outcome = await PublisherWorld.OutcomeAsync(world.PublishAsync($"m{i:d4}"));
            if (outcome is null)
                confirmed.Add($"m{i:d4}");
        }

        Assert.Equal(PublishFailure.Refused, outcome);
        Assert.Equal(confirmed, await world.TakeAllAsync());
        await world.PublishAsync("again");
    }

    [Fact]
    public async Task A_message_without_an_id_is_the_callers_mistake()
    {
        await using var world = PublisherWorld.Make(fixture.Broker.Uri);
        await Assert.ThrowsAnyAsync<ArgumentException>(() => world.PublishAsync(""));
    }

    [Fact]
    public async Task Disposing_sends_and_confirms_what_was_given()
    {
        var world = PublisherWorld.Make(fixture.Broker.Uri);
        var published = Enumerable.Range(0, 200).Select(i => world.PublishAsync($"m{i:d3}")).ToList();
        await published[0];
        await world.DisposeAsync();
        await Task.WhenAll(published);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => world.PublishAsync("late"));
        Assert.Equal(200, (await world.TakeAllAsync()).Count);
    }

    [Fact]
    public async Task Without_a_broker_a_publish_fails_in_its_time_and_is_told_once()
    {
        var closed = new UriBuilder(fixture.Broker.Uri) { Port = 1 }.Uri;
        await using var world = PublisherWorld.Make(closed, TimeSpan.FromSeconds(1.5));
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => PublisherWorld.OutcomeAsync(world.PublishAsync($"m{i}"))));
        Assert.All(outcomes, outcome => Assert.Equal(PublishFailure.Unavailable, outcome));
        Assert.Equal(1, world.CountOfLog(4001));
        Assert.Equal("unavailable=3", world.ReasonsOfFailures());
    }

    [Fact]
    public async Task Disposing_without_a_broker_does_not_wait_for_it()
    {
        var closed = new UriBuilder(fixture.Broker.Uri) { Port = 1 }.Uri;
        var world = PublisherWorld.Make(closed, Timeout.InfiniteTimeSpan);
        var publish = PublisherWorld.OutcomeAsync(world.PublishAsync("m"));
        await world.WaitForLogAsync(4001);
        await world.DisposeAsync();
        Assert.Equal(PublishFailure.Unavailable, await publish);
    }

    [Fact]
    public async Task Where_topology_is_only_checked_what_is_missing_is_told_and_fails_what_is_published()
    {
        await using var world = PublisherWorld.Make(fixture.Broker.Uri, TimeSpan.FromSeconds(2), declares: false);
        Assert.Equal(PublishFailure.Unavailable, await PublisherWorld.OutcomeAsync(world.PublishAsync("m")));
        Assert.Equal(1, world.CountOfLog(4012));
        Assert.Contains("NOT_FOUND", Assert.Single(world.Health.Troubles).Value, StringComparison.Ordinal);
    }
}
