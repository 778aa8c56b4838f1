using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>Subscription Basic, Subscription Minimum and Subscription Publish: ticks, keep-alives, lifetimes, acknowledgements and queues.</summary>
public sealed class PublishingTests
{
    [Fact]
    public void The_first_tick_says_something_though_there_is_nothing_to_say()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(keepAlive: 10);
        client.Publish();
        world.Pass(90);
        client.ExpectNothing();
        world.Pass(10);
        var first = client.Take();
        Assert.True(first.IsKeepAlive);
        Assert.Equal((id, 1u), (first.SubscriptionId, first.SequenceNumber));
    }

    [Fact]
    public void Keep_alives_come_after_so_many_silent_ticks_and_take_no_number()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(keepAlive: 5);
        Assert.True(client.Next().IsKeepAlive);
        for (var round = 0; round < 3; round++)
        {
            client.Publish();
            world.Pass(400);
            client.ExpectNothing();
            world.Pass(100);
            Assert.Equal(1u, client.Take().SequenceNumber);
        }

        client.Monitor(id, "x");
        var data = client.Next();
        Assert.Equal(1u, data.SequenceNumber);
        Assert.Single(data.Values);
        Assert.Equal(2u, client.Next(500).SequenceNumber);
    }

    [Fact]
    public void Disabled_publishing_sends_keep_alives_only()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(keepAlive: 3, enabled: false);
        client.Monitor(id, "x");
        Assert.True(client.Next().IsKeepAlive);
        world.Values.Set("x", Variant.Of(1.0));
        client.Publish();
        world.Pass(200);
        client.ExpectNothing();
        world.Pass(100);
        Assert.True(client.Take().IsKeepAlive);
        Assert.Equal([StatusCodes.Good], client.SetPublishing(true, id));
        var data = client.Next();
        Assert.Equal([1.0], data.Numbers());
        Assert.Equal(1u, data.SequenceNumber);
    }

    [Fact]
    public void Setting_the_publishing_mode_again_or_twice_does_no_harm()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x");
        Assert.Equal(Enumerable.Repeat(StatusCodes.Good, 5), client.SetPublishing(true, id, id, id, id, id));
        Assert.Single(client.Next().Values);
        Assert.Equal([StatusCodes.Good, StatusCodes.BadSubscriptionIdInvalid, StatusCodes.Good], client.SetPublishing(false, id, 0, id));
        world.Values.Set("x", Variant.Of(1.0));
        client.Publish();
        world.Pass(500);
        client.ExpectNothing();
        client.SetPublishing(true, id);
        world.Pass(100);
        Assert.Equal([1.0], client.Take().Numbers());
    }

    [Fact]
    public void What_waits_for_a_publish_request_is_sent_when_it_comes()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x");
        world.Pass(150);
        client.Publish();
        Assert.Equal([0.0], client.Take().Numbers());
    }

    [Fact]
    public void A_late_keep_alive_is_sent_when_a_request_comes()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        client.CreateSubscription();
        world.Pass(250);
        client.Publish();
        Assert.True(client.Take().IsKeepAlive);
        client.Publish();
        client.ExpectNothing();
    }

    [Fact]
    public void More_than_fits_into_one_message_is_said_to_follow()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(maxNotifications: 2);
        var names = new[] { "x", "y", "z", "plain", "text" };
        for (var i = 0; i < names.Length; i++)
            client.Monitor(id, names[i], (uint)i);
        client.PublishTimes(2);
        world.Pass(100);
        var first = client.Take();
        var second = client.Take();
        Assert.Equal((2, 2), (first.Values.Count, second.Values.Count));
        Assert.True(first.More && second.More);
        client.Publish();
        var third = client.Take();
        Assert.False(third.More);
        Assert.Equal([1u, 2u, 3u], new[] { first, second, third }.Select(published => published.SequenceNumber));
        Assert.Equal(
            [0u, 1u, 2u, 3u, 4u],
            new[] { first, second, third }.SelectMany(published => published.Values.Select(value => value.Handle))
        );
    }

    [Fact]
    public void A_message_is_no_larger_than_the_client_takes()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect(maxResponseBytes: 8192);
        var id = client.CreateSubscription();
        world.Values.Set("text", Variant.Of(new string('t', 3000)));
        for (var i = 0; i < 5; i++)
            client.Monitor(id, "text", (uint)i);
        client.PublishTimes(5);
        world.Pass(100);
        var messages = Enumerable.Range(0, client.Answered).Select(_ => client.Take()).ToList();
        Assert.Equal(5, messages.Sum(message => message.Values.Count));
        Assert.All(messages, message => Assert.InRange(message.Values.Count, 1, 2));
    }

    [Fact]
    public void Without_publish_requests_a_subscription_ends_with_its_lifetime_and_not_before()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(lifetime: 6, keepAlive: 2);
        client.Monitor(id, "x");
        world.Pass(500);
        Assert.Equal(1, world.Engine.Count);
        world.Pass(100);
        Assert.Equal(0, world.Engine.Count);
        Assert.Equal(0, world.Values.Watchers);

        client.Publish();
        var last = client.Take();
        Assert.Equal((id, StatusCodes.BadTimeout), (last.SubscriptionId, last.StatusChange!.Value));
        client.Publish();
        Assert.Equal(StatusCodes.BadNoSubscription, client.Take().Fault);
    }

    [Fact]
    public void Any_use_of_a_subscription_begins_its_lifetime_anew()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(lifetime: 6, keepAlive: 2);
        for (var i = 0; i < 5; i++)
        {
            world.Pass(500);
            Assert.Equal(1, world.Engine.Count);
            switch (i)
            {
                case 0:
                    client.Monitor(id, "x");
                    break;
                case 1:
                    client.SetPublishing(true, id);
                    break;
                case 2:
                    client.SetMode(id, MonitoringMode.Sampling, 1);
                    break;
                case 3:
                    client.Republish(id, 99, out _);
                    break;
                default:
                    client.Publish();
                    break;
            }
        }

        world.Pass(500);
        Assert.Equal(1, world.Engine.Count);
    }

    [Fact]
    public void A_waiting_publish_request_keeps_a_silent_subscription_alive()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        client.CreateSubscription(lifetime: 30, keepAlive: 10);
        client.Next();
        for (var i = 0; i < 20; i++)
            Assert.True(client.Next(1000).IsKeepAlive);
        Assert.Equal(1, world.Engine.Count);
    }

    [Fact]
    public void Publishing_without_a_subscription_is_a_fault()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        client.Publish();
        Assert.Equal(StatusCodes.BadNoSubscription, client.Take().Fault);
    }

    [Fact]
    public void Deleting_the_last_subscription_answers_the_waiting_requests()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var first = client.CreateSubscription();
        var second = client.CreateSubscription();
        client.PublishTimes(2);
        client.Delete(first);
        client.ExpectNothing();
        client.Delete(second);
        Assert.Equal(StatusCodes.BadNoSubscription, client.Take().Fault);
        Assert.Equal(StatusCodes.BadNoSubscription, client.Take().Fault);
    }

    [Fact]
    public void Closing_the_session_answers_the_waiting_requests()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        client.CreateSubscription();
        client.PublishTimes(2);
        client.Close(deleteSubscriptions: true);
        Assert.Equal(StatusCodes.BadSessionClosed, client.Take().Fault);
        Assert.Equal(StatusCodes.BadSessionClosed, client.Take().Fault);
        Assert.Equal(0, world.Engine.Count);
    }

    [Fact]
    public void Too_many_publish_requests_push_the_oldest_out()
    {
        using var world = new SubscriptionWorld(new() { MaxPublishRequestsPerSession = 10 });
        var client = world.Connect();
        var id = client.CreateSubscription();
        var oldest = client.Publish();
        client.PublishTimes(9);
        client.ExpectNothing();
        client.Publish();
        var (requestId, published) = client.TakeWithId();
        Assert.Equal((oldest, StatusCodes.BadTooManyPublishRequests), (requestId, published.Fault));
        client.Monitor(id, "x");
        world.Pass(100);
        Assert.Equal(oldest + 1, client.TakeWithId().RequestId);
    }

    [Fact]
    public void A_publish_request_out_of_time_is_answered_and_the_others_go_on()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Next();
        client.Publish();
        var late = client.Context!;
        client.Publish();
        late.Cancel(StatusCodes.BadTimeout);
        Assert.Equal(StatusCodes.BadTimeout, client.Take().Fault);
        client.Monitor(id, "x");
        world.Pass(100);
        Assert.Single(client.Take().Values);
    }

    [Fact]
    public void Acknowledged_messages_are_not_available_any_more()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x");
        for (var i = 1; i <= 4; i++)
        {
            Assert.Equal(Enumerable.Range(1, i).Select(number => (uint)number), client.Next().Available);
            world.Values.Set("x", Variant.Of((double)i));
        }

        client.Publish((id, 3), (id, 1), (id, 3), (id, 99), (id, 0), (0, 1));
        world.Pass(100);
        var published = client.Take();
        Assert.Equal(
            [
                StatusCodes.Good,
                StatusCodes.Good,
                StatusCodes.BadSequenceNumberUnknown,
                StatusCodes.BadSequenceNumberUnknown,
                StatusCodes.BadSequenceNumberUnknown,
                StatusCodes.BadSubscriptionIdInvalid,
            ],
            published.Results
        );
        Assert.Equal([2u, 4u, 5u], published.Available);
    }

    [Fact]
    public void Acknowledgements_are_for_any_subscription_of_the_session_and_no_other()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var other = world.Connect();
        var ids = new[] { client.CreateSubscription(), client.CreateSubscription(), other.CreateSubscription() };
        for (var i = 0; i < 2; i++)
            client.Monitor(ids[i], "x");
        other.Monitor(ids[2], "x");
        client.PublishTimes(2);
        other.Publish();
        world.Pass(100);
        client.Publish((ids[0], 1), (ids[1], 1), (ids[2], 1));
        world.Values.Set("x", Variant.Of(1.0));
        world.Pass(100);
        client.Take();
        client.Take();
        Assert.Equal([StatusCodes.Good, StatusCodes.Good, StatusCodes.BadSubscriptionIdInvalid], client.Take().Results);
    }

    [Fact]
    public void Republish_gives_any_message_that_is_not_acknowledged_in_any_order()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x");
        for (var i = 1; i <= 4; i++)
        {
            client.Next();
            world.Values.Set("x", Variant.Of((double)i));
        }

        client.Publish((id, 2));
        foreach (var number in new uint[] { 4, 1, 3, 1 })
        {
            var message = client.Republish(id, number, out _)!;
            Assert.Equal(number, message.SequenceNumber);
            Assert.Equal(number - 1.0, Assert.Single(Published.Taken(message).Values).Value.Value.Double);
        }

        foreach (var number in new uint[] { 0, 2, 5, 1000, uint.MaxValue })
        {
            Assert.Null(client.Republish(id, number, out var fault));
            Assert.Equal(StatusCodes.BadMessageNotAvailable, fault);
        }
    }

    [Fact]
    public void Republish_for_what_is_no_subscription_is_a_fault()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        client.Republish(0, 1, out var fault);
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, fault);
        var id = client.CreateSubscription();
        client.Republish(id + 1, 1, out fault);
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, fault);
        client.Delete(id);
        client.Republish(id, 1, out fault);
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, fault);
    }

    [Fact]
    public void The_oldest_messages_make_room_when_nobody_acknowledges()
    {
        using var world = new SubscriptionWorld(new() { MaxRetransmissionMessages = 10 });
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x");
        Published? last = null;
        for (var i = 1; i <= 25; i++)
        {
            last = client.Next();
            world.Values.Set("x", Variant.Of((double)i));
        }

        Assert.Equal(Enumerable.Range(16, 10).Select(number => (uint)number), last!.Available);
        Assert.Equal(15u, Assert.Single(world.Services.ListSubscriptions(client.Session.Tenant)).DiscardedMessageCount);
    }

    [Fact]
    public void Unacknowledged_messages_are_bounded_in_bytes_too()
    {
        using var world = new SubscriptionWorld(new() { MaxRetransmissionBytes = 100_000 });
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "text");
        Published? last = null;
        for (var i = 1; i <= 10; i++)
        {
            world.Values.Set("text", Variant.Of(new string((char)('a' + i), 30_000)));
            last = client.Next();
        }

        Assert.InRange(last!.Available.Count, 1, 3);
    }

    [Fact]
    public void Of_two_that_are_late_the_higher_priority_is_served_first()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var low = client.CreateSubscription(priority: 1);
        var high = client.CreateSubscription(priority: 200);
        client.Monitor(low, "x");
        client.Monitor(high, "x");
        for (var i = 0; i < 3; i++)
        {
            world.Values.Set("x", Variant.Of(i + 1.0));
            world.Pass(100);
            client.Publish();
            Assert.Equal(high, client.Take().SubscriptionId);
        }

        client.Publish();
        Assert.Equal(low, client.Take().SubscriptionId);
    }

    [Fact]
    public void A_tick_serves_by_priority_when_there_is_but_one_request()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var ids = Enumerable.Range(0, 5).Select(i => client.CreateSubscription(priority: (byte)(i * 10))).ToArray();
        foreach (var id in ids)
            client.Monitor(id, "x");
        client.Publish();
        world.Pass(100);
        Assert.Equal(ids[4], client.Take().SubscriptionId);
        client.PublishTimes(4);
        Assert.Equal([ids[3], ids[2], ids[1], ids[0]], Enumerable.Range(0, 4).Select(_ => client.Take().SubscriptionId));
    }

    [Fact]
    public void A_subscription_whose_turn_does_not_come_lives_as_long_as_its_client_publishes()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var low = client.CreateSubscription(priority: 1, lifetime: 6, keepAlive: 2);
        var high = client.CreateSubscription(priority: 2);
        client.Monitor(low, "y");
        client.Monitor(high, "x");
        for (var i = 0; i < 20; i++)
        {
            world.Values.Set("x", Variant.Of(i + 1.0));
            world.Pass(100);
            client.Publish();
            Assert.Equal(high, client.Take().SubscriptionId);
        }

        client.Publish();
        Assert.Equal(low, client.Take().SubscriptionId);
    }

    [Fact]
    public void Equals_take_turns()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var ids = Enumerable.Range(0, 3).Select(_ => client.CreateSubscription()).ToArray();
        foreach (var id in ids)
            client.Monitor(id, "x");
        var served = new List<uint>();
        for (var i = 0; i < 9; i++)
        {
            world.Values.Set("x", Variant.Of(i + 1.0));
            served.Add(client.Next().SubscriptionId);
        }

        Assert.All(ids, id => Assert.Equal(3, served.Count(other => other == id)));
    }

    [Fact]
    public void Ten_subscriptions_with_ten_requests_are_all_served_and_the_disabled_are_not()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var ids = Enumerable.Range(0, 10).Select(_ => client.CreateSubscription()).ToArray();
        foreach (var id in ids)
            client.Monitor(id, "x");
        client.PublishTimes(10);
        world.Pass(100);
        Assert.Equal(ids.Order(), Enumerable.Range(0, 10).Select(_ => client.Take().SubscriptionId).Order());

        var odd = ids.Where((_, index) => index % 2 == 1).ToArray();
        client.SetPublishing(false, odd);
        world.Values.Set("x", Variant.Of(1.0));
        client.PublishTimes(10);
        world.Pass(100);
        Assert.Equal(5, client.Answered);
        Assert.Equal(ids.Except(odd).Order(), Enumerable.Range(0, 5).Select(_ => client.Take().SubscriptionId).Order());
    }

    [Fact]
    public void Ticks_that_were_missed_are_not_made_up_for()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(interval: 100, keepAlive: 50);
        client.Monitor(id, "x");
        client.Next();
        world.Time.Advance(TimeSpan.FromMilliseconds(1050));
        world.Values.Set("x", Variant.Of(1.0));
        client.Publish();
        world.Pass(40);
        client.ExpectNothing();
        world.Pass(10);
        Assert.Single(client.Take().Values);
    }

    [Fact]
    public void Diagnostics_count_what_has_happened()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(priority: 7, maxNotifications: 5);
        client.Monitor(id, "x");
        client.Monitor(id, "y", mode: MonitoringMode.Disabled);
        client.Next();
        client.Republish(id, 1, out _);
        world.Connect(tenant: "other").CreateSubscription();

        var diagnostics = Assert.Single(world.Services.ListSubscriptions(client.Session.Tenant));
        Assert.Equal(
            (id, client.Session.Id, (byte)7, 100.0),
            (diagnostics.SubscriptionId, diagnostics.SessionId, diagnostics.Priority, diagnostics.PublishingInterval)
        );
        Assert.Equal((2u, 1u), (diagnostics.MonitoredItemCount, diagnostics.DisabledMonitoredItemCount));
        Assert.Equal((1u, 1u), (diagnostics.NotificationsCount, diagnostics.RepublishMessageCount));
        Assert.Equal((1u, 1u), (diagnostics.PublishRequestCount, diagnostics.DataChangeNotificationsCount));
        Assert.Equal((2u, 5u), (diagnostics.NextSequenceNumber, diagnostics.MaxNotificationsPerPublish));

        client.CreateSubscription(interval: 200);
        client.Delete(client.CreateSubscription(interval: 200));
        Assert.Equal(3u, world.Services.CumulatedCount(client.Session.Tenant));
        Assert.Equal(2u, world.Services.PublishingIntervalCount(client.Session.Tenant));
    }
}
