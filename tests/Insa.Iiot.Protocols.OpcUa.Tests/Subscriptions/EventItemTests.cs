using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Tests.Events;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

public sealed class EventItemTests : IDisposable
{
    private const string Lost = "Events were lost: the queue was full.";

    private readonly SubscriptionWorld _world = new();
    private readonly SubscriptionClient _client;

    public EventItemTests() => _client = _world.Connect();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Events_come_in_their_order_with_the_fields_that_were_selected()
    {
        var id = _client.CreateSubscription();
        _client.MonitorEvents(id, "area", Filters.Of(["Message", "Severity", "EventId", "SourceName"]), handle: 7);
        Assert.True(_client.Next().IsKeepAlive);
        var first = _world.Events.Raise("area", "one", 100);
        _world.Events.Raise("area", "two", 200);
        _world.Events.Raise("other", "three");
        var published = _client.Next();
        Assert.Equal(["one", "two"], published.Messages(7));
        Assert.Equal(
            [Variant.Of((ushort)100), Variant.OfByteString(first.Id.ToArray()), Variant.Of("area")],
            published.Events[0].Fields[1..]
        );
        Assert.NotEqual(published.Events[0].Fields[2], published.Events[1].Fields[2]);
    }

    [Fact]
    public void Only_what_passes_the_filter_is_queued_and_another_filter_holds_from_then_on()
    {
        var id = _client.CreateSubscription();
        var item = _client.MonitorEvents(id, "area", Filters.AtLeast(500));
        _world.Events.Raise("area", "low", 499);
        _world.Events.Raise("area", "high", 500);
        Assert.Equal(["high"], _client.Next().Messages());

        var modified = _client.Modify(
            id,
            item,
            SubscriptionClient.Parameters(handle: 2, filter: Filters.AtLeast(100, "Message", "Severity"))
        );
        Assert.Equal((StatusCodes.Good, 1u), (modified.StatusCode, modified.RevisedQueueSize));
        _world.Events.Raise("area", "low", 499);
        var published = _client.Next();
        Assert.Equal(["low"], published.Messages(2));
        Assert.Equal(Variant.Of((ushort)499), published.Events[0].Fields[1]);
    }

    [Fact]
    public void A_filter_that_is_refused_on_modification_leaves_the_item_as_it_was()
    {
        var id = _client.CreateSubscription();
        var item = _client.MonitorEvents(id, "area", Filters.AtLeast(500));
        var result = _client.Modify(id, item, SubscriptionClient.Parameters(handle: 2, filter: Filters.Of(["None"])));
        Assert.Equal(StatusCodes.BadEventFilterInvalid, result.StatusCode);
        Assert.True(result.FilterResult.TryGet<EventFilterResult>(EncodingLimits.Default, out var told));
        Assert.Equal([StatusCodes.BadNodeIdUnknown], told.SelectClauseResults!);
        Assert.Equal(
            StatusCodes.BadFilterNotAllowed,
            _client.Modify(id, item, SubscriptionClient.Parameters(filter: new DataChangeFilter())).StatusCode
        );
        _world.Events.Raise("area", "still");
        Assert.Equal(["still"], _client.Next().Messages());
    }

    [Theory]
    [InlineData(0, 100)]
    [InlineData(1, 1)]
    [InlineData(5, 5)]
    [InlineData(uint.MaxValue, 1000)]
    public void Queue_and_sampling_interval_are_revised_as_for_events(uint asked, uint revised)
    {
        var id = _client.CreateSubscription();
        var item = SubscriptionClient.Item("area", sampling: 5000, queueSize: asked, filter: Filters.Of(), attribute: 12);
        var result = _client.TryMonitor(id, item);
        Assert.Equal((0.0, revised), (result.RevisedSamplingInterval, result.RevisedQueueSize));
        Assert.True(result.FilterResult.IsNull);
    }

    [Theory]
    [InlineData(true, new[] { Lost, "3", "4" })]
    [InlineData(false, new[] { "1", "4", Lost })]
    public void A_full_queue_says_at_its_end_that_events_were_lost(bool discardOldest, string[] expected)
    {
        var id = _client.CreateSubscription();
        _client.MonitorEvents(id, "area", Filters.Of(["Message", "EventType", "SourceNode"]), queueSize: 2, discardOldest: discardOldest);
        for (var i = 1; i <= 4; i++)
            _world.Events.Raise("area", $"{i}");
        var published = _client.Next();
        Assert.Equal(expected, published.Messages());
        var lost = published.Events.Single(e => ((LocalizedText)e.Fields[0].Reference!).Text == Lost);
        Assert.Equal([Variant.Of(NodeId.Of(NodeIds.EventQueueOverflowEventType)), Variant.Of(NodeId.Of(NodeIds.Server))], lost.Fields[1..]);

        // What is told is told once.
        _world.Events.Raise("area", "5");
        Assert.Equal(["5"], _client.Next().Messages());
        Assert.Equal(1u, Diagnostics().EventQueueOverFlowCount);
        Assert.Equal(4u, Diagnostics().EventNotificationsCount);
    }

    [Fact]
    public void No_filter_keeps_back_that_events_were_lost()
    {
        var id = _client.CreateSubscription();
        _client.MonitorEvents(id, "area", Filters.AtLeast(900), queueSize: 1);
        for (var i = 1; i <= 3; i++)
            _world.Events.Raise("area", $"{i}", 950);
        Assert.Equal([Lost, "3"], _client.Next().Messages());
    }

    [Fact]
    public void A_queue_that_becomes_smaller_loses_events_by_its_own_rule()
    {
        var id = _client.CreateSubscription();
        var item = _client.MonitorEvents(id, "area", Filters.Of(), queueSize: 5);
        for (var i = 1; i <= 5; i++)
            _world.Events.Raise("area", $"{i}");
        _client.Modify(id, item, SubscriptionClient.Parameters(queueSize: 2, filter: Filters.Of()));
        Assert.Equal([Lost, "4", "5"], _client.Next().Messages());
    }

    [Fact]
    public void Values_and_events_share_a_message()
    {
        var id = _client.CreateSubscription();
        _client.Monitor(id, "x", handle: 1);
        _client.MonitorEvents(id, "area", Filters.Of(), handle: 2);
        _client.Next();
        _world.Events.Raise("area", "one");
        _world.Values.Set("x", Variant.Of(3.0));
        _world.Events.Raise("area", "two");
        var published = _client.Next();
        Assert.Equal([3.0], published.Numbers());
        Assert.Equal(["one", "two"], published.Messages(2));
        Assert.Equal((1u, 2u), (Diagnostics().MonitoredItemCount - 1, Diagnostics().EventNotificationsCount));
    }

    [Fact]
    public void Two_subscriptions_of_which_one_has_events_and_the_other_values_are_served_alike()
    {
        var (events, values) = (_client.CreateSubscription(), _client.CreateSubscription());
        _client.MonitorEvents(events, "area", Filters.Of());
        _client.Monitor(values, "x");
        _client.PublishTimes(2);
        _world.Pass(100);
        _client.Take();
        _client.Take();
        _world.Events.Raise("area", "one");
        _world.Values.Set("x", Variant.Of(4.0));
        _client.PublishTimes(2);
        _world.Pass(100);
        var published = new[] { _client.Take(), _client.Take() }.ToDictionary(message => message.SubscriptionId);
        Assert.Equal(["one"], published[events].Messages());
        Assert.Empty(published[events].Values);
        Assert.Equal([4.0], published[values].Numbers());
        Assert.Empty(published[values].Events);
    }

    [Fact]
    public void Messages_take_no_more_notifications_than_they_may()
    {
        var id = _client.CreateSubscription(maxNotifications: 2);
        _client.MonitorEvents(id, "area", Filters.Of());
        _client.Next();
        for (var i = 1; i <= 3; i++)
            _world.Events.Raise("area", $"{i}");
        _client.PublishTimes(2);
        _world.Pass(100);
        var (first, second) = (_client.Take(), _client.Take());
        Assert.Equal((true, false), (first.More, second.More));
        Assert.Equal(["1", "2"], first.Messages());
        Assert.Equal(["3"], second.Messages());
    }

    [Fact]
    public void A_field_that_fits_into_no_message_is_a_status_in_its_place()
    {
        var client = _world.Connect(maxResponseBytes: 8192);
        var id = client.CreateSubscription();
        client.MonitorEvents(id, "area", Filters.Of(["Severity", "Message", "SourceName"]));
        client.Next();
        _world.Events.Raise("area", new string('x', 4000));
        Assert.Equal(
            [Variant.Of((ushort)500), Variant.Of(StatusCodes.BadEncodingLimitsExceeded), Variant.Of("area")],
            Assert.Single(client.Next().Events).Fields
        );
    }

    [Fact]
    public void A_disabled_item_forgets_and_a_sampling_one_keeps_what_happens()
    {
        var id = _client.CreateSubscription();
        var item = _client.MonitorEvents(id, "area", Filters.Of(), mode: MonitoringMode.Sampling);
        Assert.True(_client.Next().IsKeepAlive);
        _world.Events.Raise("area", "kept");
        _client.Publish();
        _world.Pass(100);
        _client.ExpectNothing();
        _client.SetMode(id, MonitoringMode.Reporting, item);
        _world.Pass(100);
        Assert.Equal(["kept"], _client.Take().Messages());

        _world.Events.Raise("area", "forgotten");
        _client.SetMode(id, MonitoringMode.Disabled, item);
        _world.Events.Raise("area", "unheard");
        _client.SetMode(id, MonitoringMode.Reporting, item);
        _world.Events.Raise("area", "heard");
        Assert.Equal(["heard"], _client.Next().Messages());
    }

    [Fact]
    public void An_event_triggers_values_and_values_trigger_events()
    {
        var id = _client.CreateSubscription();
        var events = _client.MonitorEvents(id, "area", Filters.AtLeast(500), handle: 1);
        var value = _client.Monitor(id, "x", handle: 2, mode: MonitoringMode.Sampling);
        var trigger = _client.Monitor(id, "y", handle: 3);
        var linked = _client.MonitorEvents(id, "other", Filters.Of(), handle: 4, mode: MonitoringMode.Sampling);
        _client.Next();
        Link(id, events, value);
        Link(id, trigger, linked);

        _world.Events.Raise("area", "low", 1);
        _client.Publish();
        _world.Pass(100);
        _client.ExpectNothing();
        _world.Events.Raise("area", "high", 600);
        _world.Pass(100);
        var published = _client.Take();
        Assert.Equal((1, 1), (published.Messages(1).Count(), published.Numbers(2).Count()));

        _world.Events.Raise("other", "one");
        _world.Events.Raise("other", "two");
        _client.Publish();
        _world.Pass(100);
        _client.ExpectNothing();
        _world.Values.Set("y", Variant.Of(1.0));
        _world.Pass(100);
        Assert.Equal(["one", "two"], _client.Take().Messages(4));
    }

    [Fact]
    public void Events_are_republished_and_go_along_with_a_transfer()
    {
        var id = _client.CreateSubscription();
        _client.MonitorEvents(id, "area", Filters.Of());
        _world.Events.Raise("area", "one");
        var number = _client.Next().SequenceNumber;
        var again = Published.EventsOf(_client.Republish(id, number, out _)!);
        Assert.Equal("one", ((LocalizedText)Assert.Single(again).Fields[0].Reference!).Text);

        _client.Close(deleteSubscriptions: false);
        _world.Events.Raise("area", "two");
        var other = _world.Connect();
        Assert.Equal(StatusCodes.Good, other.Transfer(sendInitialValues: true, id)[0].StatusCode);
        Assert.Equal(["two"], other.Next().Messages());
        Assert.Single(Published.EventsOf(other.Republish(id, number, out _)!));
        _world.Events.Raise("area", "three");
        Assert.Equal(["three"], other.Next().Messages());
    }

    [Fact]
    public void Resending_data_sends_no_events_and_items_of_events_are_listed()
    {
        var id = _client.CreateSubscription();
        var item = _client.MonitorEvents(id, "area", Filters.Of(), handle: 9);
        _world.Events.Raise("area", "one");
        _client.Next();
        Assert.Equal(StatusCodes.Good, _world.Services.ResendData(_client.Session, id));
        _client.Publish();
        _world.Pass(100);
        _client.ExpectNothing();
        Assert.Equal(StatusCodes.Good, _world.Services.GetMonitoredItems(_client.Session, id, out var servers, out var clients));
        Assert.Equal((item, 9u), (Assert.Single(servers), Assert.Single(clients)));
    }

    [Fact]
    public void What_cannot_be_watched_says_why()
    {
        var id = _client.CreateSubscription();
        Assert.Equal(StatusCodes.BadNodeIdUnknown, Try("nowhere", Filters.Of()));
        Assert.Equal(StatusCodes.BadAttributeIdInvalid, Try("x", Filters.Of()));
        Assert.Equal(StatusCodes.BadNotSupported, Try("deaf", Filters.Of()));
        Assert.Equal(StatusCodes.BadEventFilterInvalid, Try("area", null));
        Assert.Equal(StatusCodes.BadFilterNotAllowed, Try("area", new DataChangeFilter()));
        Assert.Equal(
            StatusCodes.BadFilterNotAllowed,
            Try("area", new AggregateFilter { AggregateConfiguration = new AggregateConfiguration() })
        );
        Assert.Equal(StatusCodes.BadMonitoredItemFilterUnsupported, Try("area", new Argument()));
        Assert.Equal(
            StatusCodes.BadIndexRangeInvalid,
            _client.TryMonitor(id, SubscriptionClient.Item("area", filter: Filters.Of(), attribute: 12, range: "0")).StatusCode
        );
        Assert.Equal(
            StatusCodes.BadDataEncodingInvalid,
            _client
                .TryMonitor(
                    id,
                    SubscriptionClient.Item("area", filter: Filters.Of(), attribute: 12, encoding: new QualifiedName(0, "Default Binary"))
                )
                .StatusCode
        );
        Assert.Equal(
            StatusCodes.BadFilterNotAllowed,
            _client.TryMonitor(id, SubscriptionClient.Item("x", filter: Filters.Of())).StatusCode
        );

        StatusCode Try(string node, IUaEncodable? filter) =>
            _client.TryMonitor(id, SubscriptionClient.Item(node, filter: filter, attribute: 12)).StatusCode;
    }

    [Fact]
    public void A_clause_that_is_wrong_is_told_and_its_field_is_null()
    {
        var id = _client.CreateSubscription();
        var result = _client.TryMonitor(id, SubscriptionClient.Item("area", filter: Filters.Of(["Message", "None"]), attribute: 12));
        Assert.Equal(StatusCodes.Good, result.StatusCode);
        Assert.True(result.FilterResult.TryGet<EventFilterResult>(EncodingLimits.Default, out var told));
        Assert.Equal([StatusCodes.Good, StatusCodes.BadNodeIdUnknown], told.SelectClauseResults!);
        _world.Events.Raise("area", "one");
        Assert.True(Assert.Single(_client.Next().Events).Fields[1].IsNull);
    }

    [Fact]
    public void Items_of_events_and_their_queues_are_limited()
    {
        using var world = new SubscriptionWorld(
            new SubscriptionLimits { MaxEventItemsPerTenant = 2, MaxQueuedValuesPerSubscription = 100 }
        );
        var client = world.Connect();
        var (id, other) = (client.CreateSubscription(), client.CreateSubscription());
        var item = SubscriptionClient.Item("area", filter: Filters.Of(), queueSize: 1000, attribute: 12);
        var revised = client.TryMonitor(id, item).RevisedQueueSize;
        Assert.InRange(revised, 90u, 99u);
        Assert.Equal(StatusCodes.BadTooManyMonitoredItems, client.TryMonitor(id, item).StatusCode);
        var last = client.TryMonitor(other, item);
        Assert.Equal(StatusCodes.Good, last.StatusCode);
        Assert.Equal(StatusCodes.BadTooManyMonitoredItems, client.TryMonitor(client.CreateSubscription(), item).StatusCode);
        Assert.Equal(
            StatusCodes.Good,
            world.Connect(tenant: "other") is { } stranger ? stranger.TryMonitor(stranger.CreateSubscription(), item).StatusCode : default
        );

        client.DeleteItems(other, last.MonitoredItemId);
        Assert.Equal(StatusCodes.Good, client.TryMonitor(other, item).StatusCode);
        client.Delete(id);
        Assert.Equal(StatusCodes.Good, client.TryMonitor(client.CreateSubscription(), item).StatusCode);
    }

    [Fact]
    public void Events_that_wait_are_kept_once_for_all_items()
    {
        var id = _client.CreateSubscription(enabled: false);
        for (uint handle = 1; handle <= 3; handle++)
            _client.MonitorEvents(id, "area", Filters.Of(["EventId"]), handle);
        _world.Events.Raise("area", "one");
        _client.SetPublishing(true, id);
        var ids = _client.Next().Events.Select(e => e.Fields[0]).ToArray();
        Assert.Equal(3, ids.Length);
        Assert.Single(ids.Distinct());
    }

    private SubscriptionDiagnosticsDataType Diagnostics() => Assert.Single(_world.Services.ListSubscriptions(TenantId.Parse("acme")));

    private void Link(uint subscription, uint trigger, uint linked) =>
        Assert.Equal(
            [StatusCodes.Good],
            _client
                .Call<SetTriggeringResponse>(
                    new SetTriggeringRequest
                    {
                        RequestHeader = SubscriptionClient.Header,
                        SubscriptionId = subscription,
                        TriggeringItemId = trigger,
                        LinksToAdd = [linked],
                    }
                )
                .AddResults!
        );
}
