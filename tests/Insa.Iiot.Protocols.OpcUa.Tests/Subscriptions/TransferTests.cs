using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>Subscription Transfer, and the methods GetMonitoredItems and ResendData that go with it.</summary>
public sealed class TransferTests
{
    [Fact]
    public void A_subscription_outlives_its_session_and_goes_on_in_another()
    {
        using var world = new SubscriptionWorld();
        var first = world.Connect();
        var id = first.CreateSubscription();
        first.Monitor(id, "x");
        first.Next();
        world.Values.Set("x", Variant.Of(1.0));
        first.Next();
        first.Close(deleteSubscriptions: false);
        Assert.Equal(1, world.Values.Holds);
        world.Values.Set("x", Variant.Of(2.0));
        world.Pass(300);

        var second = world.Connect();
        var result = Assert.Single(second.Transfer(sendInitialValues: false, id));
        Assert.Equal(StatusCodes.Good, result.StatusCode);
        Assert.Equal([1u, 2u], result.AvailableSequenceNumbers!);
        Assert.Equal(1.0, Assert.Single(Published.Taken(second.Republish(id, 2, out _)!).Values).Value.Value.Double);
        second.Publish();
        var published = second.Take();
        Assert.Equal([2.0], published.Numbers());
        Assert.Equal(3u, published.SequenceNumber);
    }

    [Fact]
    public void Without_a_session_a_subscription_ends_with_its_lifetime()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(lifetime: 6, keepAlive: 2);
        client.Monitor(id, "x");
        client.Close(deleteSubscriptions: false);
        world.Pass(600);
        Assert.Equal(0, world.Engine.Count);
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, world.Connect().Transfer(true, id)[0].StatusCode);
    }

    [Fact]
    public void Closing_a_session_with_its_subscriptions_deletes_them()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Close(deleteSubscriptions: true);
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, world.Connect().Transfer(true, id)[0].StatusCode);
    }

    [Fact]
    public void The_session_that_loses_a_subscription_is_told()
    {
        using var world = new SubscriptionWorld();
        var first = world.Connect();
        var id = first.CreateSubscription();
        first.PublishTimes(2);
        world.Connect().Transfer(false, id);
        var told = first.Take();
        Assert.Equal((id, StatusCodes.GoodSubscriptionTransferred), (told.SubscriptionId, told.StatusChange!.Value));
        Assert.Equal(StatusCodes.BadNoSubscription, first.Take().Fault);
    }

    [Fact]
    public void The_session_that_loses_a_subscription_is_told_later_if_it_does_not_publish()
    {
        using var world = new SubscriptionWorld();
        var first = world.Connect();
        var id = first.CreateSubscription();
        world.Connect().Transfer(false, id);
        first.Publish();
        Assert.Equal(StatusCodes.GoodSubscriptionTransferred, first.Take().StatusChange);
    }

    [Fact]
    public void The_others_of_the_old_session_go_on()
    {
        using var world = new SubscriptionWorld();
        var first = world.Connect();
        var moved = first.CreateSubscription();
        var stays = first.CreateSubscription();
        first.Monitor(stays, "x");
        first.PublishTimes(2);
        world.Connect().Transfer(false, moved);
        Assert.Equal(StatusCodes.GoodSubscriptionTransferred, first.Take().StatusChange);
        world.Pass(100);
        Assert.Equal(stays, first.Take().SubscriptionId);
    }

    [Fact]
    public void Initial_values_are_sent_again_if_the_client_wants_them()
    {
        using var world = new SubscriptionWorld();
        var first = world.Connect();
        var id = first.CreateSubscription();
        first.Monitor(id, "x", 1);
        first.Monitor(id, "y", 2);
        first.Next();
        var second = world.Connect();
        second.Transfer(sendInitialValues: true, id);
        Assert.Equal([1u, 2u], second.Next().Values.Select(value => value.Handle));
        var third = world.Connect();
        third.Transfer(sendInitialValues: false, id);
        world.Values.Set("y", Variant.Of(1.0));
        Assert.Equal([2u], third.Next().Values.Select(value => value.Handle));
    }

    [Fact]
    public void The_old_session_has_no_power_over_it_any_more()
    {
        using var world = new SubscriptionWorld();
        var first = world.Connect();
        var id = first.CreateSubscription();
        var item = first.Monitor(id, "x");
        world.Connect().Transfer(false, id);
        Assert.Equal([StatusCodes.BadSubscriptionIdInvalid], first.Delete(id));
        Assert.Equal([StatusCodes.BadSubscriptionIdInvalid], first.SetPublishing(false, id));
        Assert.Equal(
            StatusCodes.BadSubscriptionIdInvalid,
            first.Fault(
                new SetMonitoringModeRequest
                {
                    RequestHeader = SubscriptionClient.Header,
                    SubscriptionId = id,
                    MonitoredItemIds = [item],
                }
            )
        );
        Assert.Equal(
            StatusCodes.BadSubscriptionIdInvalid,
            first.Fault(new ModifySubscriptionRequest { RequestHeader = SubscriptionClient.Header, SubscriptionId = id })
        );
        first.Republish(id, 1, out var fault);
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, fault);
        first.Close(deleteSubscriptions: true);
        Assert.Equal(1, world.Engine.Count);
    }

    [Fact]
    public void Nobody_else_can_take_it()
    {
        using var world = new SubscriptionWorld();
        var owner = world.Connect("u1");
        var id = owner.CreateSubscription();
        Assert.Equal(StatusCodes.BadUserAccessDenied, world.Connect("u2").Transfer(true, id)[0].StatusCode);
        Assert.Equal(StatusCodes.BadUserAccessDenied, world.Connect(user: null).Transfer(true, id)[0].StatusCode);
        owner.Publish();
        owner.ExpectNothing();
    }

    [Fact]
    public void To_another_tenant_it_is_unknown()
    {
        using var world = new SubscriptionWorld();
        var id = world.Connect("u1", "acme").CreateSubscription();
        var stranger = world.Connect("u1", "other");
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, stranger.Transfer(true, id)[0].StatusCode);
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, world.Services.ResendData(stranger.Session, id));
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, world.Services.GetMonitoredItems(stranger.Session, id, out _, out _));
    }

    [Fact]
    public void An_anonymous_subscription_goes_to_the_same_application_only()
    {
        using var world = new SubscriptionWorld();
        var id = world.Connect(user: null, application: "urn:a").CreateSubscription();
        Assert.Equal(StatusCodes.BadUserAccessDenied, world.Connect(user: null, application: "urn:b").Transfer(true, id)[0].StatusCode);
        Assert.Equal(StatusCodes.Good, world.Connect(user: null, application: "urn:a").Transfer(true, id)[0].StatusCode);
    }

    [Fact]
    public void Transfers_are_answered_one_by_one()
    {
        using var world = new SubscriptionWorld(new() { MaxSubscriptionsPerSession = 2 });
        var first = world.Connect();
        var ids = new[] { first.CreateSubscription(), first.CreateSubscription() };
        var second = world.Connect();
        second.CreateSubscription();
        Assert.Equal(
            [StatusCodes.Good, StatusCodes.BadSubscriptionIdInvalid, StatusCodes.BadTooManySubscriptions],
            second.Transfer(false, ids[0], 0, ids[1]).Select(result => result.StatusCode)
        );
        Assert.Equal([StatusCodes.Good], first.SetPublishing(true, ids[1]));
    }

    [Fact]
    public void GetMonitoredItems_names_all_items_by_both_handles()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var first = client.CreateSubscription();
        var second = client.CreateSubscription();
        var items = new[] { client.Monitor(first, "x", 11), client.Monitor(first, "y", 12) };
        client.Monitor(second, "x", 13);
        Assert.Equal(StatusCodes.Good, world.Services.GetMonitoredItems(client.Session, first, out var server, out var handles));
        Assert.Equal(items, server);
        Assert.Equal([11u, 12u], handles);
        var empty = client.CreateSubscription();
        Assert.Equal(StatusCodes.Good, world.Services.GetMonitoredItems(client.Session, empty, out server, out handles));
        Assert.Empty(server);
        Assert.Empty(handles);
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, world.Services.GetMonitoredItems(client.Session, 0, out _, out _));
        Assert.Equal(StatusCodes.BadUserAccessDenied, world.Services.GetMonitoredItems(world.Connect().Session, first, out _, out _));
    }

    [Fact]
    public void ResendData_reports_each_reporting_item_once_more()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(maxNotifications: 2);
        var other = client.CreateSubscription();
        client.Monitor(other, "x", 99);
        client.Monitor(id, "x", 1, queueSize: 5);
        client.Monitor(id, "y", 2);
        client.Monitor(id, "z", 3);
        client.Monitor(id, "plain", 4, MonitoringMode.Sampling);
        client.Monitor(id, "text", 5, MonitoringMode.Disabled);
        client.PublishTimes(5);
        world.Pass(100);
        while (client.Answered > 0)
            client.Take();

        world.Values.Set("y", Variant.Of(1.0));
        Assert.Equal(StatusCodes.Good, world.Services.ResendData(client.Session, id));
        Assert.Equal(StatusCodes.Good, world.Services.ResendData(client.Session, id));
        client.ExpectNothing();
        client.PublishTimes(4);
        world.Pass(100);
        var resent = new List<uint>();
        while (client.Answered > 0)
            resent.AddRange(client.Take().Values.Select(value => value.Handle));
        Assert.Equal([1u, 2u, 3u], resent.Order());
    }

    [Fact]
    public void ResendData_is_for_the_sessions_own_subscriptions()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, world.Services.ResendData(client.Session, 1));
        var id = client.CreateSubscription();
        Assert.Equal(StatusCodes.Good, world.Services.ResendData(client.Session, id));
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, world.Services.ResendData(client.Session, 0));
        Assert.Equal(StatusCodes.BadUserAccessDenied, world.Services.ResendData(world.Connect().Session, id));
    }
}
