using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>Subscriptions and items that are changed while they are in use.</summary>
public sealed class ModifyTests : IDisposable
{
    private readonly SubscriptionWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData(TimestampsToReturn.Source, true, false)]
    [InlineData(TimestampsToReturn.Server, false, true)]
    [InlineData(TimestampsToReturn.Both, true, true)]
    [InlineData(TimestampsToReturn.Neither, false, false)]
    public void The_times_that_are_asked_for_now_are_those_that_come(object asked, bool source, bool server)
    {
        var client = _world.Connect();
        var id = client.CreateSubscription();
        var item = client.Monitor(id, "x");
        client.Next();
        Assert.Equal(StatusCodes.Good, client.Modify(id, item, SubscriptionClient.Parameters(), (TimestampsToReturn)asked).StatusCode);
        _world.Values.Set("x", Variant.Of(1.0));
        var (_, value) = Assert.Single(client.Next().Values);
        Assert.Equal((source, server), (value.SourceTimestamp != 0, value.ServerTimestamp != 0));
    }

    [Fact]
    public void Five_hundred_items_are_modified_at_once()
    {
        var client = _world.Connect();
        var id = client.CreateSubscription(lifetime: 3000, keepAlive: 1000);
        var items = Enumerable.Range(0, 500).Select(i => client.Monitor(id, "x", (uint)i)).ToArray();
        client.Next();
        var response = client.Call<ModifyMonitoredItemsResponse>(
            new ModifyMonitoredItemsRequest
            {
                RequestHeader = SubscriptionClient.Header,
                SubscriptionId = id,
                TimestampsToReturn = TimestampsToReturn.Both,
                ItemsToModify =
                [
                    .. items.Select(
                        (item, i) =>
                            new MonitoredItemModifyRequest
                            {
                                MonitoredItemId = item,
                                RequestedParameters = SubscriptionClient.Parameters((uint)i + 1000, sampling: i % 2 == 0 ? 500 : 5000),
                            }
                    ),
                ],
            }
        );
        Assert.All(
            response.Results!.Select((result, i) => (result, i)),
            one =>
                Assert.Equal((StatusCodes.Good, one.i % 2 == 0 ? 500 : 5000), (one.result.StatusCode, one.result.RevisedSamplingInterval))
        );
        _world.Pass(5000);
        _world.Values.Set("x", Variant.Of(1.0));
        Assert.Equal(
            Enumerable.Range(1000, 500).Select(handle => (uint)handle),
            client.Next().Values.Select(value => value.Handle).Order()
        );
    }

    [Fact]
    public void Each_item_that_cannot_be_modified_says_why_and_stays_as_it_was()
    {
        var client = _world.Connect();
        var id = client.CreateSubscription();
        var items = new[] { client.Monitor(id, "x", 1), client.Monitor(id, "text", 2), client.Monitor(id, "plain", 3) };
        var percent = new DataChangeFilter
        {
            Trigger = DataChangeTrigger.StatusValue,
            DeadbandType = (uint)DeadbandType.Percent,
            DeadbandValue = 10,
        };
        var parameters = SubscriptionClient.Parameters(9, queueSize: 5, filter: percent);
        Assert.Equal(StatusCodes.Good, client.Modify(id, items[0], parameters).StatusCode);
        Assert.Equal(StatusCodes.BadFilterNotAllowed, client.Modify(id, items[1], parameters).StatusCode);
        Assert.Equal(StatusCodes.BadMonitoredItemFilterUnsupported, client.Modify(id, items[2], parameters).StatusCode);
        Assert.Equal(StatusCodes.BadMonitoredItemIdInvalid, client.Modify(id, 0, parameters).StatusCode);
        Assert.Equal([2u, 3u, 9u], client.Next().Values.Select(value => value.Handle).Order());
    }

    [Fact]
    public void Items_are_set_to_modes_many_at_once()
    {
        var client = _world.Connect();
        var id = client.CreateSubscription();
        var items = Enumerable.Range(0, 9).Select(i => client.Monitor(id, "x", (uint)i)).ToArray();
        client.Next();
        var good = Enumerable.Repeat(StatusCodes.Good, 3);
        Assert.Equal(good, client.SetMode(id, MonitoringMode.Disabled, items[..3]));
        Assert.Equal(good, client.SetMode(id, MonitoringMode.Sampling, items[3..6]));
        Assert.Equal(good, client.SetMode(id, MonitoringMode.Reporting, items[6..]));
        _world.Values.Set("x", Variant.Of(1.0));
        Assert.Equal([6u, 7u, 8u], client.Next().Values.Select(value => value.Handle).Order());
        client.SetMode(id, MonitoringMode.Reporting, items);
        Assert.Equal([0u, 1u, 2u, 3u, 4u, 5u], client.Next().Values.Select(value => value.Handle).Order());
    }

    [Fact]
    public void A_mode_of_an_item_in_one_subscription_is_none_of_the_others()
    {
        var client = _world.Connect();
        var ids = new[] { client.CreateSubscription(), client.CreateSubscription() };
        var items = ids.Select(id => client.Monitor(id, "x")).ToArray();
        client.PublishTimes(2);
        _world.Pass(100);
        client.Take();
        client.Take();
        Assert.Equal([StatusCodes.BadMonitoredItemIdInvalid], client.SetMode(ids[0], MonitoringMode.Disabled, items[1]));
        Assert.Equal([StatusCodes.Good], client.SetMode(ids[0], MonitoringMode.Disabled, items[0]));
        _world.Values.Set("x", Variant.Of(1.0));
        var published = client.Next();
        Assert.Equal((ids[1], 1), (published.SubscriptionId, published.Values.Count));
    }

    [Fact]
    public void The_services_of_items_know_no_subscription_of_another_session()
    {
        var client = _world.Connect();
        var id = client.CreateSubscription();
        var item = client.Monitor(id, "x");
        var other = _world.Connect();
        other.CreateSubscription();
        foreach (var subscription in (uint[])[id, 0])
        {
            Assert.Equal(
                StatusCodes.BadSubscriptionIdInvalid,
                other.Fault(
                    new ModifyMonitoredItemsRequest
                    {
                        RequestHeader = SubscriptionClient.Header,
                        SubscriptionId = subscription,
                        ItemsToModify = [new() { MonitoredItemId = item, RequestedParameters = SubscriptionClient.Parameters() }],
                    }
                )
            );
            Assert.Equal(
                StatusCodes.BadSubscriptionIdInvalid,
                other.Fault(
                    new SetMonitoringModeRequest
                    {
                        RequestHeader = SubscriptionClient.Header,
                        SubscriptionId = subscription,
                        MonitoredItemIds = [item],
                    }
                )
            );
            Assert.Equal(
                StatusCodes.BadSubscriptionIdInvalid,
                other.Fault(
                    new DeleteMonitoredItemsRequest
                    {
                        RequestHeader = SubscriptionClient.Header,
                        SubscriptionId = subscription,
                        MonitoredItemIds = [item],
                    }
                )
            );
        }

        Assert.Single(client.Next().Values);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_modified_subscription_says_no_more_at_once_than_it_is_asked_for_now(bool discardOldest)
    {
        var client = _world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x", queueSize: 30, discardOldest: discardOldest);
        client.Next();
        Modify(client, id, maxNotifications: 10);
        for (var i = 1; i <= 25; i++)
            _world.Values.Set("x", Variant.Of((double)i));
        client.PublishTimes(3);
        _world.Pass(100);
        var messages = Enumerable.Range(0, 3).Select(_ => client.Take()).ToList();
        Assert.Equal([10, 10, 5], messages.Select(message => message.Values.Count));
        Assert.Equal([true, true, false], messages.Select(message => message.More));
        Assert.Equal(Enumerable.Range(1, 25).Select(i => (double)i), messages.SelectMany(message => message.Numbers()));

        Modify(client, id, maxNotifications: 0);
        for (var i = 1; i <= 25; i++)
            _world.Values.Set("x", Variant.Of(i + 100.0));
        Assert.Equal(25, client.Next().Values.Count);
    }

    [Fact]
    public void A_modified_priority_decides_from_then_on()
    {
        var client = _world.Connect();
        var first = client.CreateSubscription(priority: 10);
        var second = client.CreateSubscription(priority: 10);
        foreach (var id in (uint[])[first, second])
            client.Monitor(id, "x");
        client.PublishTimes(2);
        _world.Pass(100);
        client.Take();
        client.Take();
        foreach (var (priority, served) in ((byte, uint)[])[(20, first), (1, second), (30, first)])
        {
            Modify(client, first, priority: priority);
            _world.Values.Set("x", Variant.Of((double)priority));
            _world.Pass(100);
            client.Publish();
            Assert.Equal(served, client.Take().SubscriptionId);
            client.Publish();
            Assert.NotEqual(served, client.Take().SubscriptionId);
        }
    }

    [Fact]
    public void Five_sessions_have_five_subscriptions_each()
    {
        var clients = Enumerable.Range(0, 5).Select(_ => _world.Connect()).ToList();
        var ids = clients.ToDictionary(
            client => client,
            client => Enumerable.Range(0, 5).Select(_ => client.CreateSubscription()).ToList()
        );
        foreach (var client in clients)
        {
            ids[client].ForEach(id => client.Monitor(id, "x"));
            client.PublishTimes(5);
        }

        _world.Pass(100);
        foreach (var client in clients)
            Assert.Equal(ids[client].Order(), Enumerable.Range(0, 5).Select(_ => client.Take().SubscriptionId).Order());
    }

    private static void Modify(SubscriptionClient client, uint id, uint maxNotifications = 0, byte priority = 0) =>
        client.Call<ModifySubscriptionResponse>(
            new ModifySubscriptionRequest
            {
                RequestHeader = SubscriptionClient.Header,
                SubscriptionId = id,
                RequestedPublishingInterval = 100,
                RequestedLifetimeCount = 30,
                RequestedMaxKeepAliveCount = 10,
                MaxNotificationsPerPublish = maxNotifications,
                Priority = priority,
            }
        );
}
