using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Tests.Server;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Logging.Abstractions;
using static Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace.SpaceWorld;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>Subscriptions over the spaces of two tenants whose devices have the same names.</summary>
public sealed class TenantSubscriptionTests : IDisposable
{
    private const string Temp = "ns=3;s=press-1/temp";

    private readonly SpaceWorld _world = new();
    private readonly TestMeterFactory _meters = new();
    private readonly SubscriptionEngine _engine;
    private readonly ServiceTable _table;
    private readonly List<SubscriptionClient> _clients = [];

    public TenantSubscriptionTests()
    {
        _engine = new SubscriptionEngine(
            _world.Monitored,
            _world.Events,
            new SubscriptionLimits(),
            _world.Time,
            new OpcUaMetrics(_meters),
            NullLogger<SubscriptionEngine>.Instance
        );
        _table = new ServiceTable([new SubscriptionServices(_engine)]);
    }

    public void Dispose()
    {
        _engine.Dispose();
        _meters.Dispose();
        _clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task A_committed_value_is_published_to_its_own_tenant_alone()
    {
        var acme = await ConnectAsync(Acme);
        var globex = await ConnectAsync(Globex);
        foreach (var client in new[] { acme, globex })
            client.Monitor(client.CreateSubscription(), Temp);
        Assert.Equal([21.5], acme.Next().Numbers());
        globex.Publish();
        Assert.Equal([77.0], globex.Take().Numbers());

        await _world.CommitAsync(Acme, "press-1", 10, ("temp", 40), ("level", 4));
        globex.Publish();
        var (_, value) = Assert.Single(acme.Next().Values);
        Assert.Equal(Variant.Of(40.0), value.Value);
        Assert.Equal(UaDateTime.FromTicks(Now.AddSeconds(10).Ticks), value.SourceTimestamp);
        globex.ExpectNothing();
    }

    [Theory]
    [InlineData("ns=3;s=only-acme/temp")]
    [InlineData("ns=3;s=press-1/none")]
    [InlineData("ns=3;s=../acme/press-1/temp")]
    public async Task What_is_another_tenants_is_unknown(string guessed)
    {
        var client = await ConnectAsync(Globex);
        var id = client.CreateSubscription();
        Assert.Equal(StatusCodes.BadNodeIdUnknown, client.TryMonitor(id, SubscriptionClient.Item(guessed)).StatusCode);
    }

    [Fact]
    public async Task A_subscription_without_a_session_still_gets_values_however_long_its_tenant_has_none()
    {
        var first = await ConnectAsync(Acme);
        var id = first.CreateSubscription(interval: 1000, lifetime: 3600);
        first.Monitor(id, Temp, queueSize: 10);
        first.Next(1000);
        first.Close(deleteSubscriptions: false);
        first.Session.DisposeSlots();
        _world.Time.Advance(TenantSpaces.KeptFor + TimeSpan.FromMinutes(1));
        Assert.Single(_world.Spaces.ListUsed());
        await _world.CommitAsync(Acme, "press-1", 600, ("temp", 41));

        var second = await ConnectAsync(Acme);
        Assert.Equal(StatusCodes.Good, second.Transfer(sendInitialValues: false, id)[0].StatusCode);
        Assert.Equal([41.0], second.Next(1000).Numbers());
        second.Delete(id);
        second.Session.DisposeSlots();
        Assert.Empty(_world.Spaces.ListUsed());
    }

    [Fact]
    public async Task A_device_that_is_removed_says_so_to_those_who_watch_it()
    {
        var client = await ConnectAsync(Acme);
        client.Monitor(client.CreateSubscription(), Temp);
        client.Next();
        _world.Registry.Remove(Acme, DeviceId.Parse("press-1"));
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, Assert.Single(client.Next().Values).Value.Status);
    }

    [Fact]
    public async Task The_servers_clock_can_be_watched()
    {
        var client = await ConnectAsync(Acme);
        client.Monitor(client.CreateSubscription(), "i=2258");
        var before = Assert.Single(client.Next().Values).Value.Value;
        SubscriptionClient.Pass(_world.Time, 1000);
        _world.Monitored.Look();
        var after = Assert.Single(client.Next().Values).Value.Value;
        Assert.Equal(BuiltInType.DateTime, after.Type);
        Assert.True(after.Int64 > before.Int64);
    }

    [Fact]
    public async Task Texts_have_no_deadband_and_metrics_without_a_range_no_percentage()
    {
        var client = await ConnectAsync(Acme);
        var id = client.CreateSubscription();
        var absolute = new DataChangeFilter
        {
            Trigger = DataChangeTrigger.StatusValue,
            DeadbandType = (uint)DeadbandType.Absolute,
            DeadbandValue = 1,
        };
        var percent = new DataChangeFilter
        {
            Trigger = DataChangeTrigger.StatusValue,
            DeadbandType = (uint)DeadbandType.Percent,
            DeadbandValue = 1,
        };
        Assert.Equal(StatusCodes.Good, Try("ns=3;s=press-1/count", absolute));
        Assert.Equal(StatusCodes.BadFilterNotAllowed, Try("ns=3;s=press-1/mode", absolute));
        Assert.Equal(StatusCodes.BadMonitoredItemFilterUnsupported, Try("ns=3;s=press-1/count", percent));

        StatusCode Try(string node, DataChangeFilter filter) =>
            client.TryMonitor(id, SubscriptionClient.Item(node, filter: filter)).StatusCode;
    }

    private async Task<SubscriptionClient> ConnectAsync(TenantId tenant)
    {
        var session = ServiceCaller.Session(User(tenant, AllPermissions));
        await _world.Sessions.AcquireAsync(session, default);
        var client = new SubscriptionClient(_table, _world.Time, session);
        _clients.Add(client);
        return client;
    }
}
