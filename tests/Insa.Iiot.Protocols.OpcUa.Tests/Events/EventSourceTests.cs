using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Tests.Server;
using Insa.Iiot.Protocols.OpcUa.Types;
using static Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace.SpaceWorld;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Events;

/// <summary>What events there are, and who hears of them. Two tenants have devices of the same names.</summary>
public sealed class EventSourceTests
{
    private static readonly NodeId _server = NodeId.Of(NodeIds.Server);
    private static readonly NodeId _tenant = NodeId.Of(2, 3);
    private static readonly NodeId _devices = NodeId.Of(3, 3);

    private readonly SpaceWorld _world = new();

    [Fact]
    public async Task The_tenant_is_a_notifier_below_the_server_and_nothing_of_it_is_there_twice()
    {
        using var client = _world.Client(Acme);
        Assert.Equal([_tenant], await NotifiersAsync(client, _server));
        Assert.Equal([_server], await NotifiersAsync(client, _tenant, BrowseDirection.Inverse));
        Assert.Empty(await NotifiersAsync(client, _tenant));
        Assert.Empty(await NotifiersAsync(client, _devices));
    }

    [Fact]
    public async Task Notifiers_say_so_and_nothing_else_does()
    {
        using var client = _world.Client(Acme);
        foreach (var node in (NodeId[])[_server, _tenant, _devices, Id("press-1")])
            Assert.Equal(Variant.Of((byte)1), (await ReadAsync(client, node, AttributeId.EventNotifier)).Value);
        foreach (var node in (NodeId[])[Own(1), NodeId.Of(NodeIds.ObjectsFolder), Id("press-1#Telemetry")])
            Assert.Equal(Variant.Of((byte)0), (await ReadAsync(client, node, AttributeId.EventNotifier)).Value);
        Assert.Equal(StatusCodes.BadAttributeIdInvalid, (await ReadAsync(client, Id("press-1/temp"), AttributeId.EventNotifier)).Status);
    }

    [Fact]
    public async Task The_limits_of_filters_are_told()
    {
        using var client = _world.Client(Acme);
        Assert.Equal(
            Variant.Of(200u),
            (await ReadAsync(client, NodeId.Of(NodeIds.Server_ServerCapabilities_MaxSelectClauseParameters))).Value
        );
        Assert.Equal(
            Variant.Of(200u),
            (await ReadAsync(client, NodeId.Of(NodeIds.Server_ServerCapabilities_MaxWhereClauseParameters))).Value
        );
    }

    [Fact]
    public async Task Devices_that_come_and_go_are_events_of_their_own_tenants_server_alone()
    {
        var (acme, globex) = (new ListedEvents(), new ListedEvents());
        var session = await WatchAsync(User(Acme, AllPermissions), _server, acme);
        await WatchAsync(User(Globex, AllPermissions), _server, globex);
        var onDevices = new ListedEvents();
        await WatchAsync(session, _devices, onDevices);

        _world.AddDevice(Acme, "robot");
        _world.Registry.Remove(Acme, DeviceId.Parse("press-2"));
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);

        var e = Assert.Single(acme.Events);
        Assert.Empty(globex.Events);
        Assert.Empty(onDevices.Events);
        Assert.Equal(Variant.Of(NodeId.Of(NodeIds.GeneralModelChangeEventType)), e.Get("EventType"));
        Assert.Equal((Variant.Of(_server), Variant.Of("Server")), (e.Get("SourceNode"), e.Get("SourceName")));
        Assert.Equal(Variant.OfDateTime(UaDateTime.FromTicks(Now.Ticks)), e.Get("Time"));
        Assert.Equal(16, e.Id.Length);
        Assert.Equal(
            [
                (Id("robot"), Own(10), ModelChangeVerbs.NodeAdded),
                (Id("press-2"), Own(10), ModelChangeVerbs.NodeDeleted),
                (_devices, Own(5), ModelChangeVerbs.ReferenceAdded | ModelChangeVerbs.ReferenceDeleted),
            ],
            ListedEvents.ChangesOf(e)
        );
    }

    [Fact]
    public async Task A_new_metric_is_told_with_the_version_of_its_device()
    {
        using var client = _world.Client(Acme);
        var events = new ListedEvents();
        await WatchAsync(User(Acme, AllPermissions), _server, events);
        var before = (await ReadAsync(client, Id("press-1#NodeVersion"))).Value;
        await _world.CommitAsync(Acme, "press-1", 10, ("fresh", 1), ("temp", 2));
        Assert.Equal(
            [
                (Id("press-1/fresh"), NodeId.Of(NodeIds.DataItemType), ModelChangeVerbs.NodeAdded),
                (Id("press-1#Telemetry"), NodeId.Of(NodeIds.FolderType), ModelChangeVerbs.ReferenceAdded),
                (Id("press-1"), Own(10), ModelChangeVerbs.ReferenceAdded),
            ],
            ListedEvents.ChangesOf(Assert.Single(events.Events))
        );
        Assert.NotEqual(before, (await ReadAsync(client, Id("press-1#NodeVersion"))).Value);
        await _world.CommitAsync(Acme, "press-1", 11, ("fresh", 2));
        Assert.Single(events.Events);
    }

    [Fact]
    public async Task Many_changes_are_several_events()
    {
        var events = new ListedEvents();
        await WatchAsync(User(Acme, AllPermissions), _server, events);
        for (var i = 0; i < 1200; i++)
            _world.AddDevice(Acme, $"many-{i}");
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);
        Assert.Equal([500, 500, 201], events.Events.Select(e => ListedEvents.ChangesOf(e).Count()));
    }

    [Fact]
    public async Task A_device_that_is_disabled_says_so_to_all_notifiers_above_it_and_to_no_other()
    {
        var session = ServiceCaller.Session(User(Acme, AllPermissions));
        var heard = new Dictionary<NodeId, ListedEvents>();
        foreach (var node in (NodeId[])[_server, _tenant, _devices, Id("press-1"), Id("press-2")])
            await WatchAsync(session, node, heard[node] = new ListedEvents());
        var stranger = new ListedEvents();
        await WatchAsync(User(Globex, AllPermissions), Id("press-1"), stranger);

        SetState("press-1", DeviceState.Disabled);
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);

        Assert.Equal(
            [1, 1, 1, 1, 0],
            new[] { _server, _tenant, _devices, Id("press-1"), Id("press-2") }.Select(node => heard[node].Events.Count)
        );
        Assert.Empty(stranger.Events);
        var e = heard[Id("press-1")].Events[0];
        Assert.Same(e, heard[_server].Events[0]);
        Assert.Equal((Variant.Of(Id("press-1")), Variant.Of("press-1")), (e.Get("SourceNode"), e.Get("SourceName")));
        Assert.Equal(Variant.Of((ushort)500), e.Get("Severity"));

        SetState("press-1", DeviceState.Enabled);
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);
        Assert.Equal(Variant.Of((ushort)100), heard[Id("press-1")].Events[1].Get("Severity"));
    }

    [Fact]
    public async Task A_device_hears_of_the_devices_that_it_may_publish_for_and_of_no_others()
    {
        var events = new ListedEvents();
        var gateway = new DeviceSession(Acme, DeviceId.Parse("press-1"), [DeviceId.Parse("late")]);
        await WatchAsync(SessionIdentity.Of(gateway), _server, events);
        _world.AddDevice(Acme, "robot");
        SetState("press-2", DeviceState.Disabled);
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);
        Assert.Empty(events.Events);

        SetState("press-1", DeviceState.Disabled);
        _world.AddDevice(Acme, "late");
        _world.AddDevice(Acme, "later");
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);
        Assert.Equal(
            [(Id("late"), ModelChangeVerbs.NodeAdded), (_devices, ModelChangeVerbs.ReferenceAdded)],
            ListedEvents.ChangesOf(events.Events[0]).Select(change => (change.Affected, change.Verb))
        );
        Assert.Equal(Variant.Of(Id("press-1")), events.Events[1].Get("SourceNode"));
        Assert.Equal(2, events.Events.Count);
    }

    [Fact]
    public async Task Who_may_not_see_devices_hears_of_none()
    {
        var events = new ListedEvents();
        await WatchAsync(User(Acme, SessionPermissions.ReadTelemetry), _server, events);
        SetState("press-1", DeviceState.Disabled);
        _world.AddDevice(Acme, "robot");
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);
        Assert.Empty(events.Events);
    }

    [Fact]
    public async Task What_cannot_be_watched_says_why()
    {
        var session = ServiceCaller.Session(User(Acme, AllPermissions));
        await _world.Sessions.AcquireAsync(session, default);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, Find(Id("nobody")));
        Assert.Equal(StatusCodes.BadNodeIdInvalid, Find(default));
        Assert.Equal(StatusCodes.BadAttributeIdInvalid, Find(Id("press-1/temp")));
        Assert.Equal(StatusCodes.BadAttributeIdInvalid, Find(NodeId.Of(NodeIds.BaseEventType)));
        Assert.Equal(StatusCodes.BadNotSupported, Find(Id("press-1#Telemetry")));
        Assert.Equal(StatusCodes.BadNotSupported, Find(NodeId.Of(NodeIds.ObjectsFolder)));

        StatusCode Find(NodeId node) => _world.Events.Find(session, node.AsView(), out _);
    }

    [Fact]
    public async Task Another_tenants_devices_cannot_be_watched()
    {
        var session = ServiceCaller.Session(User(Globex, AllPermissions));
        await _world.Sessions.AcquireAsync(session, default);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, _world.Events.Find(session, Id("only-acme").AsView(), out _));
    }

    private void SetState(string device, DeviceState state) =>
        _world.Registry.Add(Acme, new Device { Id = DeviceId.Parse(device), State = state });

    private async Task<UaSession> WatchAsync(SessionIdentity identity, NodeId node, ListedEvents events)
    {
        var session = ServiceCaller.Session(identity);
        await WatchAsync(session, node, events);
        return session;
    }

    private async Task WatchAsync(UaSession session, NodeId node, ListedEvents events)
    {
        await _world.Sessions.AcquireAsync(session, default);
        Assert.Equal(StatusCodes.Good, _world.Events.Find(session, node.AsView(), out var notifier));
        events.Watch(notifier!, session.ActiveIdentity);
    }

    private static async Task<IEnumerable<NodeId>> NotifiersAsync(
        ServiceCaller client,
        NodeId node,
        BrowseDirection direction = BrowseDirection.Forward
    ) =>
        (await BrowseAsync(client, node, direction, NodeIds.HasNotifier))
            .References!.Select(reference => reference.NodeId.NodeId)
            .ToArray();
}
