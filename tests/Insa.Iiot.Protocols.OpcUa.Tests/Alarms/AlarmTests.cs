using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Alarms;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Methods;
using Insa.Iiot.Protocols.OpcUa.Server.Services;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Tests.Events;
using Insa.Iiot.Protocols.OpcUa.Tests.Server;
using Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Logging.Abstractions;
using static Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace.SpaceWorld;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Alarms;

/// <summary>The alarms of a source as conditions. Two tenants have devices and alarms of the same names.</summary>
public sealed class AlarmTests : IAsyncLifetime, IDisposable
{
    private const string Starts = "The refresh of conditions begins.";
    private const string Ends = "The refresh of conditions is over.";

    private static readonly string[] _fields = ["Message", "EventId", "Retain", "AckedState/Id", "ActiveState/Id", ""];

    private readonly SpaceWorld _world = new();
    private readonly FakeAlarms _alarms;
    private readonly TestMeterFactory _meters = new();
    private readonly SubscriptionEngine _engine;
    private readonly ServiceTable _table;
    private readonly AlarmFeed _feed;
    private readonly List<SubscriptionClient> _clients = [];
    private SubscriptionClient _client = null!;

    public AlarmTests()
    {
        _alarms = new FakeAlarms(_world.Time);
        _engine = new SubscriptionEngine(
            _world.Monitored,
            _world.Events,
            new SubscriptionLimits(),
            _world.Time,
            new OpcUaMetrics(_meters),
            NullLogger<SubscriptionEngine>.Instance
        );
        _table = MakeTable(_alarms);
        _feed = new AlarmFeed(_world.Spaces, _world.Events.Maker, _alarms);
    }

    public async ValueTask InitializeAsync()
    {
        await _feed.StartAsync(default);
        _client = await ConnectAsync(Operator(Acme));
    }

    public async ValueTask DisposeAsync()
    {
        await _feed.StopAsync(default);
        Assert.False(_alarms.IsFollowed);
    }

    public void Dispose()
    {
        _engine.Dispose();
        _meters.Dispose();
        _clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public void An_alarm_is_a_condition_of_its_device_with_all_fields_of_its_type()
    {
        string[] fields =
        [
            "Message",
            "EventType",
            "SourceNode",
            "SourceName",
            "Time",
            "Severity",
            "ConditionClassId",
            "ConditionName",
            "BranchId",
            "Retain",
            "EnabledState/Id",
            "Quality",
            "LastSeverity",
            "AckedState",
            "AckedState/Id",
            "ActiveState",
            "ActiveState/Id",
            "InputNode",
            "SuppressedOrShelved",
            "Comment",
            "ClientUserId",
            "",
        ];
        var id = _client.CreateSubscription();
        _client.MonitorEvents(id, "ns=3;s=press-1", Filters.Of(fields));
        _alarms.Set(Acme, severity: 300);
        _alarms.Set(
            Acme,
            severity: 900,
            comment: new AlarmComment
            {
                Text = "look",
                User = "ann",
                Time = Now,
            }
        );
        var told = _client.Next().Events;
        Assert.Equal(2, told.Count);
        Assert.Equal(
            [
                Text("hot 900"),
                Variant.Of(NodeId.Of(NodeIds.AlarmConditionType)),
                Variant.Of(Id("press-1")),
                Variant.Of("press-1"),
                Variant.OfDateTime(UaDateTime.FromTicks(Now.Ticks)),
                Variant.Of((ushort)900),
                Variant.Of(NodeId.Of(NodeIds.ProcessConditionClassType)),
                Variant.Of("Too hot"),
                Variant.Of(default(NodeId)),
                Variant.Of(true),
                Variant.Of(true),
                Variant.Of(StatusCodes.Good),
                Variant.Of((ushort)300),
                Text("Unacknowledged"),
                Variant.Of(false),
                Text("Active"),
                Variant.Of(true),
                Variant.Of(Id("press-1/temp")),
                Variant.Of(false),
                Text("look"),
                Variant.Of("ann"),
                Variant.Of(Id("press-1!hot")),
            ],
            told[1].Fields
        );
        Assert.DoesNotContain(told[0].Fields, field => field.IsNull);
    }

    [Fact]
    public void States_are_told_in_their_order_and_what_is_old_or_of_no_device_is_not()
    {
        var id = Watch(_client);
        var first = _alarms.Set(Acme);
        _alarms.Set(Acme, isActive: false);
        _alarms.Tell(first);
        _alarms.Set(Acme, isActive: false, isAcknowledged: true);
        _alarms.Set(Acme, "lost", "nobody");
        var told = _client.Next().Events;
        Assert.Equal(
            [(true, false, true), (true, false, false), (false, true, false)],
            told.Select(e => (e.Fields[2].Boolean, e.Fields[3].Boolean, e.Fields[4].Boolean))
        );
        Assert.Equal(3, told.Select(e => e.Fields[1]).Distinct().Count());

        // It is not retained any more.
        Refresh(id);
        Assert.Equal([Starts, Ends], _client.Next().Messages());
    }

    [Fact]
    public async Task Alarms_are_heard_of_by_those_who_may_and_by_no_other_tenant()
    {
        var globex = await ConnectAsync(Operator(Globex));
        var reader = await ConnectAsync(User(Acme, SessionPermissions.ReadDevices, SessionPermissions.ReadTelemetry));
        var device = await ConnectAsync(SessionIdentity.Of(new DeviceSession(Acme, DeviceId.Parse("press-1"))));
        var other = await ConnectAsync(SessionIdentity.Of(new DeviceSession(Acme, DeviceId.Parse("press-2"))));
        SubscriptionClient[] all = [_client, globex, reader, device, other];
        foreach (var client in all)
        {
            Watch(client);
            Assert.True(client.Next().IsKeepAlive);
            client.Publish();
        }

        _alarms.Set(Acme);
        SubscriptionClient.Pass(_world.Time, 200);
        Assert.Equal([1, 0, 0, 1, 0], all.Select(client => client.Answered));
        _alarms.Set(Globex, severity: 1);
        SubscriptionClient.Pass(_world.Time, 200);
        Assert.Equal(["hot 1"], globex.Take().Messages());
        Assert.Equal(["hot 700"], _client.Take().Messages());
    }

    [Fact]
    public async Task What_may_be_seen_is_what_the_user_may_see_now()
    {
        var id = Watch(_client);
        _client.Session.Identity = User(Acme, SessionPermissions.ReadDevices);
        _alarms.Set(Acme, "hot");
        Refresh(id);
        Assert.Equal([Starts, Ends], _client.Next().Messages());

        _client.Session.Identity = Operator(Acme);
        _client.Close(deleteSubscriptions: false);
        _alarms.Set(Acme, "cold");
        var less = await ConnectAsync(User(Acme, SessionPermissions.ReadDevices));
        Assert.Equal(StatusCodes.Good, less.Transfer(sendInitialValues: false, id)[0].StatusCode);
        _alarms.Set(Acme, "wet");

        // What was queued for who saw more is gone.
        Assert.Equal(["Events were lost: the queue was full."], less.Next().Messages());
    }

    [Fact]
    public void A_refresh_tells_what_is_retained_by_the_same_events_between_its_two_ends()
    {
        var id = Watch(_client);
        _alarms.Set(Acme, "hot");
        _alarms.Set(Acme, "cold", "press-2", isAcknowledged: true);
        _alarms.Set(Acme, "over", isActive: false, isAcknowledged: true);
        var told = _client.Next().Events;
        Refresh(id);
        var again = _client.Next().Events;
        Assert.Equal([Starts, "cold 700", "hot 700", Ends], Messages(again).Order(new EndsApart()));
        Assert.Equal((Starts, Ends), (Messages(again).First(), Messages(again).Last()));
        Assert.Equal(
            told.Take(2).Select(e => Convert.ToHexString((byte[])e.Fields[1].Reference!)).Order(),
            again.Skip(1).Take(2).Select(e => Convert.ToHexString((byte[])e.Fields[1].Reference!)).Order()
        );
    }

    [Fact]
    public void A_refresh_tells_each_item_what_it_may_see_and_wants()
    {
        var id = Watch(_client, "i=2253", 1);
        var onDevice = _client.MonitorEvents(id, "ns=3;s=press-1", Filters.AtLeast(500), handle: 2);
        _client.MonitorEvents(id, "i=2253", Filters.AtLeast(1000), handle: 3);
        _alarms.Set(Acme, "hot", severity: 900, isTold: false);
        _alarms.Set(Acme, "warm", severity: 400, isTold: false);
        _alarms.Set(Acme, "cold", "press-2", isTold: false);
        _alarms.Set(Globex, "theirs", isTold: false);
        Refresh(id);
        var published = _client.Next();
        Assert.Equal([Starts, "cold 700", "hot 900", "warm 400", Ends], published.Messages(1).Order(new EndsApart()));
        Assert.Equal([Starts, "hot 900", Ends], published.Messages(2));
        Assert.Equal([Starts, Ends], published.Messages(3));

        Assert.Equal(StatusCodes.Good, Refresh2(id, onDevice));
        published = _client.Next();
        Assert.Equal(3, published.Events.Count);
        Assert.Equal([Starts, "hot 900", Ends], published.Messages(2));
    }

    [Fact]
    public void What_the_source_does_not_retain_any_more_is_not_refreshed()
    {
        var id = Watch(_client);
        _alarms.Set(Acme);
        _client.Next();
        _alarms.Forget(Acme, "hot");
        Refresh(id);
        Assert.Equal([Starts, Ends], _client.Next().Messages());
    }

    [Fact]
    public async Task A_refresh_that_cannot_be_says_why()
    {
        var id = Watch(_client);
        var silent = _client.CreateSubscription();
        var value = _client.Monitor(id, "ns=3;s=press-1/temp", handle: 9);
        var other = await ConnectAsync(Operator(Acme));
        var theirs = Watch(other);
        var stranger = await ConnectAsync(Operator(Globex));
        var item = Assert.Single(_engine.All, subscription => subscription.Id == theirs).Items.Keys.Single();
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, TryRefresh(_client, 12345));
        Assert.Equal(StatusCodes.BadUserAccessDenied, TryRefresh(_client, theirs));
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, TryRefresh(stranger, theirs));
        Assert.Equal(StatusCodes.BadNothingToDo, TryRefresh(_client, silent));
        Assert.Equal(StatusCodes.BadMonitoredItemIdInvalid, Refresh2(id, 98765));
        Assert.Equal(StatusCodes.BadMonitoredItemIdInvalid, Refresh2(id, value));
        Assert.Equal(StatusCodes.BadMonitoredItemIdInvalid, Refresh2(id, item));
        Assert.Equal(
            StatusCodes.BadMethodInvalid,
            Call(_client, NodeId.Of(NodeIds.Server), NodeIds.ConditionType_ConditionRefresh, Variant.Of(id))
        );
        Assert.Equal(
            StatusCodes.BadArgumentsMissing,
            Call(_client, NodeId.Of(NodeIds.ConditionType), NodeIds.ConditionType_ConditionRefresh)
        );
        _alarms.IsDown = true;
        Assert.Equal(StatusCodes.BadResourceUnavailable, TryRefresh(_client, id));
        _alarms.IsDown = false;
        Assert.Equal(StatusCodes.Good, TryRefresh(_client, id));
    }

    [Fact]
    public void There_is_one_refresh_at_a_time()
    {
        var id = Watch(_client);
        _client.Next();
        _alarms.Held = new TaskCompletionSource();
        _client.Send(Request(NodeId.Of(NodeIds.ConditionType), NodeIds.ConditionType_ConditionRefresh, Variant.Of(id)));
        Assert.Equal(StatusCodes.BadRefreshInProgress, TryRefresh(_client, id));

        // What happens meanwhile is told, and not once more as it was before.
        _alarms.Set(Acme, severity: 1);
        _alarms.Held.SetResult();
        _alarms.Held = null;
        Assert.Equal(["hot 1", Starts, "hot 1", Ends], _client.Next().Messages());
        Assert.Equal(StatusCodes.Good, TryRefresh(_client, id));
    }

    [Fact]
    public async Task Refreshes_beside_changes_never_tell_an_older_state_after_a_newer_one()
    {
        const int states = 900;
        var id = _client.CreateSubscription(lifetime: 100_000);
        _client.MonitorEvents(id, "i=2253", Filters.Of(["Message", "Severity", "Retain"]), queueSize: 1000);
        var changing = Task.Run(() =>
        {
            for (var severity = 1; severity <= states; severity++)
                _alarms.Set(Acme, severity: severity);
        });
        var last = 0UL;
        while (last < states)
        {
            Refresh(id);
            if (_client.WaitingRequests == 0)
                _client.Publish();
            SubscriptionClient.Pass(_world.Time, 100);
            while (_client.Answered > 0)
            {
                foreach (var (_, fields) in _client.Take().Events.Where(e => e.Fields[2].Type == BuiltInType.Boolean))
                {
                    Assert.InRange(fields[1].UInt64, last, (ulong)states);
                    last = fields[1].UInt64;
                }
            }
        }

        await changing;
    }

    [Fact]
    public void An_alarm_is_acknowledged_once_as_the_user()
    {
        Watch(_client);
        var state = _alarms.Set(Acme);
        var (condition, eventId) = TakeCondition();
        Assert.Equal(StatusCodes.Good, Acknowledge(condition, eventId, new LocalizedText("en", "seen")));
        var (tenant, action) = Assert.Single(_alarms.Actions);
        Assert.Equal(
            (Acme, "hot", state.Version, "ann@example.com@acme", "seen"),
            (tenant, action.AlarmId, action.Version, action.User, action.Comment)
        );
        var told = Assert.Single(_client.Next().Events);
        Assert.Equal((true, true), (told.Fields[2].Boolean, told.Fields[3].Boolean));
        Assert.NotEqual(eventId, told.Fields[1]);
        Assert.Equal(StatusCodes.BadConditionBranchAlreadyAcked, Acknowledge(condition, eventId));
        _alarms.Set(Acme, isActive: false, isAcknowledged: true);
        Assert.Equal(StatusCodes.BadConditionBranchAlreadyAcked, Acknowledge(condition, eventId));
        Assert.Single(_alarms.Actions);
    }

    [Fact]
    public void An_alarm_that_is_over_is_acknowledged_by_any_event_since_it_came()
    {
        Watch(_client);
        _alarms.Set(Acme);
        var (condition, eventId) = TakeCondition();
        _alarms.Set(Acme, isActive: false);
        Assert.Equal(StatusCodes.Good, Acknowledge(condition, eventId));
        Assert.Null(_alarms.Actions[0].Action.Comment);
        Assert.Equal([true, false], _client.Next().Events.Select(e => e.Fields[2].Boolean));
    }

    [Fact]
    public void An_alarm_that_came_again_is_not_acknowledged_by_what_was_before()
    {
        Watch(_client);
        _alarms.Set(Acme);
        var (condition, eventId) = TakeCondition();
        _alarms.Set(Acme, isAcknowledged: true);
        _alarms.Set(Acme);
        Assert.Equal(StatusCodes.BadEventIdUnknown, Acknowledge(condition, eventId));
        _client.Next();
        _alarms.Set(Acme, severity: 800);
        var (_, newer) = TakeCondition();
        _alarms.Answer = AlarmActionResult.Superseded;
        Assert.Equal(StatusCodes.BadEventIdUnknown, Acknowledge(condition, newer));
        _alarms.Answer = AlarmActionResult.AlreadyAcknowledged;
        Assert.Equal(StatusCodes.BadConditionBranchAlreadyAcked, Acknowledge(condition, newer));
        _alarms.Answer = AlarmActionResult.NotFound;
        Assert.Equal(StatusCodes.BadNodeIdUnknown, Acknowledge(condition, newer));
        _alarms.IsDown = true;
        Assert.Equal(StatusCodes.BadResourceUnavailable, Acknowledge(condition, newer));
    }

    [Fact]
    public async Task What_cannot_be_acknowledged_says_why()
    {
        Watch(_client);
        _alarms.Set(Acme);
        _alarms.Set(Globex, "theirs");
        var (condition, eventId) = TakeCondition();
        Assert.Equal(StatusCodes.BadEventIdUnknown, Acknowledge(condition, Variant.OfByteString([1, 2, 3])));
        Assert.Equal(StatusCodes.BadEventIdUnknown, Acknowledge(condition, Variant.OfByteString(null)));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, Acknowledge(Id("press-1!none"), eventId));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, Acknowledge(Id("press-2!hot"), eventId));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, Acknowledge(Id("press-1!theirs"), eventId));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, Acknowledge(Id("nothing"), eventId));
        Assert.Equal(StatusCodes.BadNodeIdInvalid, Acknowledge(default, eventId));
        Assert.Equal(StatusCodes.BadNodeIdInvalid, Acknowledge(NodeId.Of(NodeIds.ConditionType), eventId));
        Assert.Equal(StatusCodes.BadMethodInvalid, Acknowledge(NodeId.Of(NodeIds.Server), eventId));
        Assert.Equal(StatusCodes.BadMethodInvalid, Acknowledge(Id("press-1"), eventId));
        Assert.Equal(
            StatusCodes.BadInvalidArgument,
            Call(_client, condition, NodeIds.AcknowledgeableConditionType_Acknowledge, Variant.Of("x"), Text("x"))
        );
        Assert.Equal(StatusCodes.BadOutOfRange, Acknowledge(condition, eventId, new LocalizedText(null, new string('x', 5000))));

        var blind = await ConnectAsync(User(Acme, SessionPermissions.ReadDevices, SessionPermissions.ActOnAlarms));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, Acknowledge(condition, eventId, client: blind));
        var reader = await ConnectAsync(User(Acme, SessionPermissions.ReadDevices, SessionPermissions.ReadAlarms));
        Assert.Equal(StatusCodes.BadUserAccessDenied, Acknowledge(condition, eventId, client: reader));
        var device = await ConnectAsync(SessionIdentity.Of(new DeviceSession(Acme, DeviceId.Parse("press-1"))));
        Assert.Equal(StatusCodes.BadUserAccessDenied, Acknowledge(condition, eventId, client: device));
        var stranger = await ConnectAsync(Operator(Globex));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, Acknowledge(condition, eventId, client: stranger));
        Assert.Empty(_alarms.Actions);
    }

    [Fact]
    public void Comments_are_set_left_and_taken_back()
    {
        var id = _client.CreateSubscription();
        _client.MonitorEvents(id, "i=2253", Filters.Of(["Comment", "EventId", "", "ClientUserId"]));
        _alarms.Set(Acme);
        var told = Assert.Single(_client.Next().Events);
        var (condition, eventId) = ((NodeId)told.Fields[2].Reference!, told.Fields[1]);
        Assert.Equal(StatusCodes.Good, Comment(condition, eventId, new LocalizedText("de", "schon gesehen")));
        told = Assert.Single(_client.Next().Events);
        Assert.Equal((Text("schon gesehen"), Variant.Of("ann@example.com@acme")), (told.Fields[0], told.Fields[3]));

        Assert.Equal(StatusCodes.Good, Comment(condition, eventId, default));
        Assert.Single(_alarms.Actions);
        Assert.Equal(StatusCodes.Good, Comment(condition, told.Fields[1], new LocalizedText("en", null)));
        Assert.Equal([Text("")], _client.Next().Events.Select(e => e.Fields[0]));
        Assert.Equal(StatusCodes.BadEventIdUnknown, Comment(condition, Variant.OfByteString([1]), new LocalizedText("en", "x")));
        Assert.Equal(StatusCodes.BadNodeIdInvalid, Comment(NodeId.Of(NodeIds.ConditionType), eventId, new LocalizedText("en", "x")));
        Assert.Equal(StatusCodes.BadMethodInvalid, Comment(NodeId.Of(NodeIds.Server), eventId, new LocalizedText("en", "x")));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, Comment(Id("press-1!none"), eventId, new LocalizedText("en", "x")));
        Assert.Equal(StatusCodes.BadOutOfRange, Comment(condition, eventId, new LocalizedText("en", new string('x', 1001))));
    }

    [Fact]
    public async Task Without_a_source_there_are_no_conditions()
    {
        var client = new SubscriptionClient(MakeTable(null), _world.Time, _client.Session);
        _clients.Add(client);
        await new AlarmFeed(_world.Spaces, _world.Events.Maker).StartAsync(default);
        var id = Watch(client);
        Assert.Equal(StatusCodes.BadMethodInvalid, TryRefresh(client, id));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, Acknowledge(Id("press-1!hot"), Variant.OfByteString([1]), client: client));
    }

    [Fact]
    public void Alarms_that_are_over_make_room_for_others()
    {
        Watch(_client);
        for (var i = 0; i < 1100; i++)
        {
            _alarms.Set(Acme, $"a{i}");
            _alarms.Set(Acme, $"a{i}", isActive: false, isAcknowledged: true);
        }

        var alarms = _world.Spaces.Find(Acme)!.Alarms;
        Assert.Equal((false, false, true), (alarms.TryFind("a0", out _), alarms.TryFind("a99", out _), alarms.TryFind("a100", out _)));
        Assert.Empty(alarms.Retained);
    }

    private static SessionIdentity Operator(TenantId tenant) =>
        User(
            tenant,
            SessionPermissions.ReadDevices,
            SessionPermissions.ReadTelemetry,
            SessionPermissions.ReadAlarms,
            SessionPermissions.ActOnAlarms
        );

    private static Variant Text(string text) => Variant.Of(new LocalizedText(null, text));

    private static IEnumerable<string?> Messages(IEnumerable<(uint Handle, Variant[] Fields)> events) =>
        events.Select(e => ((LocalizedText)e.Fields[0].Reference!).Text);

    private static CallRequest Request(NodeId target, uint method, params Variant[] arguments) =>
        new()
        {
            RequestHeader = SubscriptionClient.Header,
            MethodsToCall =
            [
                new CallMethodRequest
                {
                    ObjectId = target,
                    MethodId = NodeId.Of(method),
                    InputArguments = arguments,
                },
            ],
        };

    private static StatusCode Call(SubscriptionClient client, NodeId target, uint method, params Variant[] arguments) =>
        Assert.Single(client.Call<CallResponse>(Request(target, method, arguments)).Results!).StatusCode;

    private static StatusCode TryRefresh(SubscriptionClient client, uint subscription) =>
        Call(client, NodeId.Of(NodeIds.ConditionType), NodeIds.ConditionType_ConditionRefresh, Variant.Of(subscription));

    private static uint Watch(SubscriptionClient client, string node = "i=2253", uint handle = 1)
    {
        var id = client.CreateSubscription();
        client.MonitorEvents(id, node, Filters.Of(_fields), handle);
        return id;
    }

    private void Refresh(uint subscription) => Assert.Equal(StatusCodes.Good, TryRefresh(_client, subscription));

    private StatusCode Refresh2(uint subscription, uint item) =>
        Call(
            _client,
            NodeId.Of(NodeIds.ConditionType),
            NodeIds.ConditionType_ConditionRefresh2,
            Variant.Of(subscription),
            Variant.Of(item)
        );

    private (NodeId Condition, Variant EventId) TakeCondition()
    {
        var fields = _client.Next().Events[^1].Fields;
        return ((NodeId)fields[5].Reference!, fields[1]);
    }

    private StatusCode Acknowledge(NodeId condition, Variant eventId, LocalizedText comment = default, SubscriptionClient? client = null) =>
        Call(client ?? _client, condition, NodeIds.AcknowledgeableConditionType_Acknowledge, eventId, Variant.Of(comment));

    private StatusCode Comment(NodeId condition, Variant eventId, LocalizedText comment) =>
        Call(_client, condition, NodeIds.ConditionType_AddComment, eventId, Variant.Of(comment));

    private ServiceTable MakeTable(IAlarmSource? source)
    {
        var subscriptions = new SubscriptionServices(_engine);
        var conditions = new ConditionMethods(subscriptions, _world.Events.Maker, source);
        return new ServiceTable([subscriptions, new CallService(_world.Sessions, new MethodTable(StandardNodes.Shared, [conditions]))]);
    }

    private async Task<SubscriptionClient> ConnectAsync(SessionIdentity identity)
    {
        var session = ServiceCaller.Session(identity);
        await _world.Sessions.AcquireAsync(session, default);
        var client = new SubscriptionClient(_table, _world.Time, session);
        _clients.Add(client);
        return client;
    }

    // The ends of a refresh where they belong, and the conditions between them by their text.
    private sealed class EndsApart : IComparer<string?>
    {
        public int Compare(string? x, string? y)
        {
            var byPlace = PlaceOf(x).CompareTo(PlaceOf(y));
            return byPlace != 0 ? byPlace : string.CompareOrdinal(x, y);
        }

        private static int PlaceOf(string? text) =>
            text switch
            {
                Starts => -1,
                Ends => 1,
                _ => 0,
            };
    }
}
