using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>Subscription Basic: what CreateSubscription and ModifySubscription revise and refuse.</summary>
public sealed class SubscriptionSettingsTests
{
    public static TheoryData<double, double> Intervals =>
        new()
        {
            { 1000, 1000 },
            { 107, 107 },
            { 1, 50 },
            { 0, 50 },
            { -1, 50 },
            { double.NaN, 50 },
            { double.NegativeInfinity, 50 },
            { int.MaxValue, 3_600_000 },
            { double.PositiveInfinity, 3_600_000 },
        };

    public static TheoryData<uint, uint> Counts =>
        new()
        {
            { 0, 0 },
            { 3, 1 },
            { 15, 15 },
            { 5, 15 },
            { 44, 15 },
            { uint.MaxValue, uint.MaxValue / 3 },
            { uint.MaxValue, uint.MaxValue / 2 },
            { uint.MaxValue / 2, uint.MaxValue },
            { uint.MaxValue, uint.MaxValue },
        };

    [Theory]
    [MemberData(nameof(Intervals))]
    public void A_publishing_interval_is_revised_and_never_an_error(double asked, double revised)
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var created = client.Create(interval: asked);
        Assert.Equal(revised, created.RevisedPublishingInterval);
        Assert.Equal(revised, Modify(client, created.SubscriptionId, interval: asked).RevisedPublishingInterval);
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void The_lifetime_is_at_least_three_keep_alive_times(uint lifetime, uint keepAlive)
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var created = client.Create(lifetime: lifetime, keepAlive: keepAlive);
        Assert.True(created.RevisedMaxKeepAliveCount >= 1);
        Assert.True(created.RevisedLifetimeCount >= 3 * created.RevisedMaxKeepAliveCount);
        var modified = Modify(client, created.SubscriptionId, lifetime: lifetime, keepAlive: keepAlive);
        Assert.Equal(created.RevisedLifetimeCount, modified.RevisedLifetimeCount);
        Assert.Equal(created.RevisedMaxKeepAliveCount, modified.RevisedMaxKeepAliveCount);
    }

    [Fact]
    public void Ids_are_random_so_that_no_client_takes_anothers_after_a_restart()
    {
        var ids = new HashSet<uint>();
        for (var restart = 0; restart < 5; restart++)
        {
            using var world = new SubscriptionWorld();
            var client = world.Connect();
            for (var i = 0; i < 10; i++)
                Assert.True(ids.Add(client.CreateSubscription()));
        }

        Assert.DoesNotContain(0u, ids);
    }

    [Fact]
    public void A_session_and_a_tenant_have_so_many_subscriptions_and_no_more()
    {
        using var world = new SubscriptionWorld(new() { MaxSubscriptionsPerSession = 3, MaxSubscriptionsPerTenant = 5 });
        var first = world.Connect();
        var second = world.Connect();
        for (var i = 0; i < 3; i++)
            first.CreateSubscription();
        var request = new CreateSubscriptionRequest { RequestHeader = SubscriptionClient.Header };
        Assert.Equal(StatusCodes.BadTooManySubscriptions, first.Fault(request));
        second.CreateSubscription();
        var last = second.CreateSubscription();
        Assert.Equal(StatusCodes.BadTooManySubscriptions, second.Fault(request));
        world.Connect(tenant: "other").CreateSubscription();
        second.Delete(last);
        second.CreateSubscription();
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(12345u)]
    public void What_is_unknown_cannot_be_modified(uint id)
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, client.Fault(ModifyRequest(id)));
    }

    [Fact]
    public void A_subscription_of_another_session_is_unknown()
    {
        using var world = new SubscriptionWorld();
        var id = world.Connect().CreateSubscription();
        var other = world.Connect();
        other.CreateSubscription();
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, other.Fault(ModifyRequest(id)));
        Assert.Equal([StatusCodes.BadSubscriptionIdInvalid], other.SetPublishing(false, id));
        Assert.Equal([StatusCodes.BadSubscriptionIdInvalid], other.Delete(id));
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, other.Fault(SubscriptionClient.Items(id, [SubscriptionClient.Item("x")])));
        other.Republish(id, 1, out var fault);
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, fault);
    }

    [Fact]
    public void Deleting_says_for_each_whether_it_was_there()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var ids = Enumerable.Range(0, 3).Select(_ => client.CreateSubscription()).ToArray();
        var item = client.Monitor(ids[0], "x");
        Assert.Equal(
            [StatusCodes.Good, StatusCodes.BadSubscriptionIdInvalid, StatusCodes.Good, StatusCodes.BadSubscriptionIdInvalid],
            client.Delete(ids[0], 0, ids[1], ids[0])
        );
        Assert.Equal(
            StatusCodes.BadSubscriptionIdInvalid,
            client.Fault(
                new ModifyMonitoredItemsRequest
                {
                    RequestHeader = SubscriptionClient.Header,
                    SubscriptionId = ids[0],
                    TimestampsToReturn = TimestampsToReturn.Both,
                    ItemsToModify = [new() { MonitoredItemId = item, RequestedParameters = SubscriptionClient.Parameters() }],
                }
            )
        );
        Assert.Equal(0, world.Values.Watchers);
        Assert.Equal(1, world.Engine.Count);
    }

    [Fact]
    public void Requests_for_nothing_or_too_much_are_refused()
    {
        using var world = new SubscriptionWorld(new() { MaxOperationsPerCall = 2 });
        var client = world.Connect();
        var header = SubscriptionClient.Header;
        Assert.Equal(
            StatusCodes.BadNothingToDo,
            client.Fault(new DeleteSubscriptionsRequest { RequestHeader = header, SubscriptionIds = [] })
        );
        Assert.Equal(StatusCodes.BadNothingToDo, client.Fault(new SetPublishingModeRequest { RequestHeader = header }));
        Assert.Equal(StatusCodes.BadNothingToDo, client.Fault(new TransferSubscriptionsRequest { RequestHeader = header }));
        Assert.Equal(
            StatusCodes.BadTooManyOperations,
            client.Fault(new DeleteSubscriptionsRequest { RequestHeader = header, SubscriptionIds = [1, 2, 3] })
        );
        Assert.Equal(
            StatusCodes.BadTooManyOperations,
            client.Fault(new TransferSubscriptionsRequest { RequestHeader = header, SubscriptionIds = [1, 2, 3] })
        );
    }

    [Fact]
    public void A_modified_interval_counts_from_now()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(interval: 100);
        client.Next();
        client.Monitor(id, "x");
        Modify(client, id, interval: 1000);
        client.Publish();
        world.Pass(990);
        client.ExpectNothing();
        world.Pass(10);
        Assert.Single(client.Take().Values);
        Modify(client, id, interval: 100);
        world.Values.Set("x", Variant.Of(1.0));
        Assert.Equal([1.0], client.Next().Numbers());
    }

    private static ModifySubscriptionRequest ModifyRequest(uint id, double interval = 100, uint lifetime = 30, uint keepAlive = 10) =>
        new()
        {
            RequestHeader = SubscriptionClient.Header,
            SubscriptionId = id,
            RequestedPublishingInterval = interval,
            RequestedLifetimeCount = lifetime,
            RequestedMaxKeepAliveCount = keepAlive,
        };

    private static ModifySubscriptionResponse Modify(
        SubscriptionClient client,
        uint id,
        double interval = 100,
        uint lifetime = 30,
        uint keepAlive = 10
    ) => client.Call<ModifySubscriptionResponse>(ModifyRequest(id, interval, lifetime, keepAlive));
}
