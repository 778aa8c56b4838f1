using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>Monitor QueueSize_1 and Monitor MinQueueSize.</summary>
public sealed class ItemQueueTests
{
    [Theory]
    [InlineData(0u, 1u)]
    [InlineData(1u, 1u)]
    [InlineData(10u, 10u)]
    [InlineData(uint.MaxValue, 1000u)]
    public void Queue_sizes_are_revised(uint asked, uint revised)
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        var result = client.TryMonitor(id, SubscriptionClient.Item("x", queueSize: asked));
        Assert.Equal(revised, result.RevisedQueueSize);
        Assert.Equal(revised, client.Modify(id, result.MonitoredItemId, SubscriptionClient.Parameters(queueSize: asked)).RevisedQueueSize);
    }

    [Fact]
    public void The_queues_of_a_subscription_are_bounded_together()
    {
        using var world = new SubscriptionWorld(new() { MaxQueuedValuesPerSubscription = 100 });
        var client = world.Connect();
        var id = client.CreateSubscription();
        Assert.Equal(61u, client.TryMonitor(id, SubscriptionClient.Item("x", queueSize: 61)).RevisedQueueSize);
        var second = client.TryMonitor(id, SubscriptionClient.Item("x", queueSize: 61));
        Assert.Equal(41u, second.RevisedQueueSize);
        Assert.Equal(1u, client.TryMonitor(id, SubscriptionClient.Item("x", queueSize: 61)).RevisedQueueSize);
        Assert.Equal(41u, client.Modify(id, second.MonitoredItemId, SubscriptionClient.Parameters(queueSize: 61)).RevisedQueueSize);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_queue_of_one_keeps_the_newest_and_never_overflows(bool discardOldest)
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x", discardOldest: discardOldest);
        Write(world, 5);
        var (_, value) = Assert.Single(client.Next().Values);
        Assert.Equal(5.0, value.Value.Double);
        Assert.False(value.Status.HasOverflow);
    }

    [Theory]
    [InlineData(2, true, new double[] { 7, 8 }, 0)]
    [InlineData(2, false, new double[] { 0, 8 }, 1)]
    [InlineData(5, true, new double[] { 4, 5, 6, 7, 8 }, 0)]
    [InlineData(5, false, new double[] { 0, 1, 2, 3, 8 }, 4)]
    [InlineData(9, true, new double[] { 0, 1, 2, 3, 4, 5, 6, 7, 8 }, -1)]
    [InlineData(20, false, new double[] { 0, 1, 2, 3, 4, 5, 6, 7, 8 }, -1)]
    public void A_full_queue_discards_at_the_end_that_was_asked_for_and_says_where(
        int size,
        bool discardOldest,
        double[] expected,
        int overflowAt
    )
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x", queueSize: (uint)size, discardOldest: discardOldest);
        Write(world, 8);
        Check(expected, client.Next());

        // And again, when the ring has gone around.
        world.Values.Set("x", Variant.Of(0.0));
        Write(world, 8);
        Check(expected, client.Next());

        void Check(double[] numbers, Published published)
        {
            Assert.Equal(numbers, published.Numbers());
            for (var i = 0; i < published.Values.Count; i++)
                Assert.Equal(i == overflowAt, published.Values[i].Value.Status.HasOverflow);
        }
    }

    [Theory]
    [InlineData(true, new double[] { 7, 8 }, 0)]
    [InlineData(false, new double[] { 0, 8 }, 1)]
    public void A_queue_that_is_made_smaller_overflows_by_the_same_rule(bool discardOldest, double[] expected, int overflowAt)
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        var item = client.Monitor(id, "x", queueSize: 10, discardOldest: discardOldest);
        Write(world, 8);
        client.Modify(id, item, SubscriptionClient.Parameters(queueSize: 2, discardOldest: discardOldest));
        var published = client.Next();
        Assert.Equal(expected, published.Numbers());
        Assert.True(published.Values[overflowAt].Value.Status.HasOverflow);
        Write(world, 1);
        Assert.Equal([1.0], client.Next().Numbers());
    }

    [Fact]
    public void A_queue_that_is_made_larger_or_one_keeps_what_fits()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        var item = client.Monitor(id, "x", queueSize: 3);
        Write(world, 4);
        client.Modify(id, item, SubscriptionClient.Parameters(queueSize: 5));
        world.Values.Set("x", Variant.Of(5.0));
        Assert.Equal([2.0, 3, 4, 5], client.Next().Numbers());
        Write(world, 3);
        client.Modify(id, item, SubscriptionClient.Parameters(queueSize: 1));
        Assert.Equal([3.0], client.Next().Numbers());
    }

    [Fact]
    public void A_queue_is_sent_over_as_many_messages_as_it_takes()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(maxNotifications: 1);
        client.Monitor(id, "x", queueSize: 3);
        Write(world, 2);
        client.PublishTimes(3);
        world.Pass(100);
        Assert.Equal([0.0, 1, 2], Enumerable.Range(0, 3).SelectMany(_ => client.Take().Numbers()));
    }

    [Fact]
    public void Overflows_are_counted_in_the_diagnostics()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x", queueSize: 2);
        Write(world, 8);
        Assert.Equal(7u, Assert.Single(world.Services.ListSubscriptions(client.Session.Tenant)).MonitoringQueueOverflowCount);
    }

    private static void Write(SubscriptionWorld world, int last)
    {
        for (var i = 1; i <= last; i++)
            world.Values.Set("x", Variant.Of((double)i));
    }
}
