using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Tests.Server;
using Insa.Iiot.Protocols.OpcUa.Types;
using static Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace.SpaceWorld;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

public sealed class LiveSpaceTests
{
    private readonly ListedChanges _changes = new();
    private readonly SpaceWorld _world;

    public LiveSpaceTests() => _world = new SpaceWorld(_changes);

    [Fact]
    public async Task A_committed_value_is_read_at_once_and_an_older_one_changes_nothing()
    {
        using var client = _world.Client(Acme);
        await ReadAsync(client, Id("press-1/temp"));
        await _world.CommitAsync(Acme, "press-1", 10, ("temp", 40), ("level", 4));
        await _world.CommitAsync(Acme, "press-1", 5, ("temp", 30));
        Assert.Equal(Variant.Of(40.0), (await ReadAsync(client, Id("press-1/temp"))).Value);
        Assert.Equal(UaDateTime.FromTicks(Now.AddSeconds(10).Ticks), (await ReadAsync(client, Id("press-1/temp"))).SourceTimestamp);
        Assert.Equal(Variant.Of(4.0), (await ReadAsync(client, Id("press-1/level"))).Value);
    }

    [Fact]
    public async Task A_new_metric_appears_with_its_first_value_and_is_told()
    {
        using var client = _world.Client(Acme);
        var version = (await ReadAsync(client, Id("press-1#NodeVersion"))).Value;
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(client, Id("press-1/new"))).Status);
        _changes.Changes.Clear();
        await _world.CommitAsync(Acme, "press-1", 10, ("new", 1));
        Assert.Equal(Variant.Of(1.0), (await ReadAsync(client, Id("press-1/new"))).Value);
        Assert.Equal(
            ["acme ns=3;s=press-1/new NodeAdded", "acme ns=3;s=press-1#Telemetry ReferenceAdded", "acme ns=3;s=press-1 ReferenceAdded"],
            _changes.Changes
        );
        Assert.NotEqual(version, (await ReadAsync(client, Id("press-1#NodeVersion"))).Value);
    }

    [Fact]
    public async Task Devices_come_and_go_with_the_registry_and_are_told()
    {
        using var client = _world.Client(Acme);
        var version = (await ReadAsync(client, NodeId.Of(6, 3))).Value;
        _changes.Changes.Clear();
        _world.AddDevice(Acme, "robot", "The robot");
        _world.Registry.Remove(Acme, DeviceId.Parse("press-2"));
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);
        Assert.Equal(
            ["acme ns=3;s=robot NodeAdded", "acme ns=3;s=press-2 NodeDeleted", "acme ns=3;i=3 ReferenceAdded, ReferenceDeleted"],
            _changes.Changes
        );
        Assert.Equal("The robot", ((LocalizedText)(await ReadAsync(client, Id("robot"), AttributeId.DisplayName)).Value.Reference!).Text);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(client, Id("press-2"), AttributeId.DisplayName)).Status);
        Assert.NotEqual(version, (await ReadAsync(client, NodeId.Of(6, 3))).Value);

        _changes.Changes.Clear();
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);
        Assert.Empty(_changes.Changes);
    }

    [Fact]
    public async Task A_metric_of_another_type_is_told_and_counts_as_a_change_of_its_device()
    {
        using var client = _world.Client(Acme);
        var version = (await ReadAsync(client, Id("press-1#NodeVersion"))).Value;
        _changes.Changes.Clear();
        await _world.CommitAsync(Acme, "press-1", 10, ("count", 1.5));
        Assert.Equal(["acme ns=3;s=press-1/count DataTypeChanged"], _changes.Changes);
        Assert.NotEqual(version, (await ReadAsync(client, Id("press-1#NodeVersion"))).Value);
    }

    [Fact]
    public async Task A_device_behind_a_gateway_has_a_property_more_which_is_told()
    {
        using var client = _world.Client(Acme);
        var version = (await ReadAsync(client, Id("press-1#NodeVersion"))).Value;
        _changes.Changes.Clear();
        _world.AddDevice(Acme, "press-1", gateway: "press-2");
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);
        Assert.Equal(["acme ns=3;s=press-1 ReferenceAdded"], _changes.Changes);
        Assert.NotEqual(version, (await ReadAsync(client, Id("press-1#NodeVersion"))).Value);
        Assert.Equal(Variant.Of("press-2"), (await ReadAsync(client, Id("press-1#Gateway"))).Value);
    }

    [Fact]
    public async Task What_another_host_has_stored_shows_after_a_comparison()
    {
        using var client = _world.Client(Acme);
        await ReadAsync(client, Id("press-1/temp"));
        _world.Say(Acme, "press-1", "temp", TelemetryValue.Of(50.0), seconds: 20);
        _world.Say(Acme, "press-1", "level", TelemetryValue.Of(9.0), seconds: -20);
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);
        Assert.Equal(Variant.Of(50.0), (await ReadAsync(client, Id("press-1/temp"))).Value);
        Assert.Equal(Variant.Of(3.0), (await ReadAsync(client, Id("press-1/level"))).Value);
    }

    [Fact]
    public async Task A_device_that_speaks_before_it_is_known_is_asked_for_once()
    {
        using var client = _world.Client(Acme);
        await ReadAsync(client, Id("press-1/temp"));
        await _world.CommitAsync(Acme, "late", 1, ("temp", 1));
        await _world.CommitAsync(Acme, "late", 2, ("temp", 2));
        Assert.True(_world.Observer.Unknown.TryRead(out var unknown));
        Assert.Equal(new DeviceIdentity(Acme, DeviceId.Parse("late")), unknown);
        Assert.False(_world.Observer.Unknown.TryRead(out _));

        _world.AddDevice(Acme, "late");
        _world.Say(Acme, "late", "temp", TelemetryValue.Of(2.0));
        await _world.Source.AddAsync(_world.Spaces.Find(Acme)!, unknown.Device, default);
        Assert.Equal(Variant.Of(2.0), (await ReadAsync(client, Id("late/temp"))).Value);
        await _world.Source.AddAsync(_world.Spaces.Find(Acme)!, DeviceId.Parse("never-registered"), default);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(client, Id("never-registered"))).Status);
    }

    [Fact]
    public async Task A_space_is_kept_for_a_while_after_its_last_session()
    {
        var session = ServiceCaller.Session(User(Acme, AllPermissions));
        await _world.Sessions.AcquireAsync(session, default);
        Assert.Single(_world.Spaces.ListUsed());
        session.DisposeSlots();
        Assert.Empty(_world.Spaces.ListUsed());
        Assert.NotNull(_world.Spaces.Find(Acme));
        _world.Time.Advance(TenantSpaces.KeptFor);
        _world.Spaces.ListUsed();
        Assert.Null(_world.Spaces.Find(Acme));
    }

    [Fact]
    public async Task A_session_that_closed_meanwhile_keeps_no_space()
    {
        var session = ServiceCaller.Session(User(Acme, AllPermissions));
        session.TryClose();
        await _world.Sessions.AcquireAsync(session, default);
        Assert.Empty(_world.Spaces.ListUsed());
    }

    [Fact]
    public async Task Watchers_hear_of_each_committed_value_and_of_the_end_of_the_device()
    {
        var (session, values) = (ServiceCaller.Session(User(Acme, AllPermissions)), new ListedValues());
        await _world.Sessions.AcquireAsync(session, default);
        Assert.Equal(StatusCodes.Good, _world.Monitored.Find(session, Id("press-1/temp").AsView(), 13, out var attribute));
        Assert.Equal(new MonitoredKind(true, 200), _world.Monitored.KindOf(attribute));
        Assert.Equal(Variant.Of(21.5), _world.Monitored.Read(attribute).Value);
        _world.Monitored.Watch(attribute, values);
        await _world.CommitAsync(Acme, "press-1", 1, ("temp", 1));
        await _world.CommitAsync(Acme, "press-1", 2, ("level", 1));
        await _world.CommitAsync(Acme, "press-1", 3, ("temp", 3));
        _world.Registry.Remove(Acme, DeviceId.Parse("press-1"));
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);
        Assert.Equal([Variant.Of(1.0), Variant.Of(3.0), default], values.Values.Select(value => value.Value));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, values.Values[^1].Status);
        Assert.NotEqual(0, values.Values[0].ServerTimestamp);

        _world.Monitored.Unwatch(attribute, values);
        Assert.False(((DeviceNode)attribute.Node!).IsWatched);
    }

    [Fact]
    public async Task What_nobody_pushes_is_looked_at_while_it_is_watched()
    {
        var (session, values) = (ServiceCaller.Session(User(Acme, AllPermissions)), new ListedValues());
        await _world.Sessions.AcquireAsync(session, default);
        var id = NodeId.Of(NodeIds.Server_ServerStatus_CurrentTime);
        Assert.Equal(StatusCodes.Good, _world.Monitored.Find(session, id.AsView(), 13, out var attribute));
        _world.Monitored.Watch(attribute, values);
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        _world.Monitored.Look();
        Assert.Equal(Variant.OfDateTime(UaDateTime.FromTicks(Now.AddSeconds(1).Ticks)), Assert.Single(values.Values).Value);
        _world.Monitored.Unwatch(attribute, values);
        _world.Monitored.Look();
        Assert.Single(values.Values);
    }

    [Fact]
    public async Task What_cannot_be_watched_says_why()
    {
        var session = ServiceCaller.Session(User(Acme, SessionPermissions.ReadDevices));
        await _world.Sessions.AcquireAsync(session, default);
        Assert.Equal(StatusCodes.BadUserAccessDenied, _world.Monitored.Find(session, Id("press-1/temp").AsView(), 13, out _));
        Assert.Equal(StatusCodes.BadAttributeIdInvalid, _world.Monitored.Find(session, Id("press-1").AsView(), 13, out _));
        Assert.Equal(StatusCodes.BadAttributeIdInvalid, _world.Monitored.Find(session, Id("press-1/temp").AsView(), 77, out _));
        Assert.Equal(StatusCodes.Good, _world.Monitored.Find(session, Id("press-1/temp").AsView(), 4, out _));
        Assert.Equal(StatusCodes.BadNodeIdInvalid, _world.Monitored.Find(session, default, 13, out _));
    }

    [Fact]
    public void Devices_with_the_same_metrics_share_a_shape_whatever_came_first()
    {
        var names = new MetricNames(Acme, new FixedCatalog());
        var one = names.Extend(names.Root, ["a", "b", "c"]);
        var other = names.Extend(names.Extend(names.Root, ["a"]), ["b", "c"]);
        Assert.Same(one, other);
        Assert.Equal([0, 1, 2], new[] { "a", "b", "c" }.Select(name => one.FindSlot(System.Text.Encoding.UTF8.GetBytes(name))));
        Assert.Equal(-1, one.FindSlot("d"u8));
        var large = names.Extend(one, Enumerable.Range(0, 100).Select(i => $"m{i}").ToArray());
        Assert.Equal(103, large.Count);
        Assert.Equal(102, large.FindSlot("m99"u8));
        Assert.Equal(1, large.FindSlot("b"u8));
    }

    [Fact]
    public void What_was_said_of_one_device_is_not_taken_for_another_that_has_other_metrics()
    {
        var names = new MetricNames(Acme, new FixedCatalog());
        var first = names.Extend(names.Root, ["a", "b"]);
        Assert.Equal(-1, names.Extend(names.Root, ["a", "c"]).FindSlot("b"u8));
        Assert.Equal(1, names.Extend(names.Root, ["b", "a"]).FindSlot("a"u8));
        Assert.Same(first, names.Extend(names.Root, ["a", "b"]));
        Assert.Equal(2, names.Extend(first, ["a", "b", "c"]).FindSlot("c"u8));
    }

    [Fact]
    public void Stored_values_find_their_metrics_in_whatever_order_they_come()
    {
        var names = new MetricNames(Acme, new FixedCatalog());
        var device = new DeviceNode(new Device { Id = DeviceId.Parse("d") });
        device.Reconcile([Point("b", 1, 0), Point("a", 2, 0)], names, []);
        device.Reconcile([Point("a", 3, 1), Point("b", 4, 1), Point("c", 5, 1)], names, []);
        foreach (var (name, value) in (ReadOnlySpan<(string, double)>)[("a", 3), ("b", 4), ("c", 5)])
            Assert.Equal(value, BitConverter.Int64BitsToDouble(device.Read(device.Shape.FindSlot(name, 0)).Bits));

        static TelemetryPoint Point(string metric, double value, int second) =>
            new(metric, Now.AddSeconds(second), TelemetryValue.Of(value), default);
    }

    [Fact]
    public async Task Values_read_while_they_are_written_are_of_one_moment()
    {
        var names = new MetricNames(Acme, new FixedCatalog());
        var device = new DeviceNode(new Device { Id = DeviceId.Parse("d") });
        device.Reconcile([new TelemetryPoint("x", Now, TelemetryValue.Of(0L), default)], names, []);
        using var done = new CancellationTokenSource();
        var writer = Task.Run(() =>
        {
            for (var i = 1; i < 20_000; i++)
                device.Reconcile(
                    [new TelemetryPoint("x", Now.AddTicks(i), TelemetryValue.Of((long)i), (TelemetryQuality)(i % 3))],
                    names,
                    []
                );
            done.Cancel();
        });
        while (!done.IsCancellationRequested)
        {
            var value = device.Read(0);
            Assert.Equal(value.Bits, value.Ticks - Now.Ticks);
            Assert.Equal((TelemetryQuality)(value.Bits % 3), value.Quality);
        }

        await writer;
    }
}
