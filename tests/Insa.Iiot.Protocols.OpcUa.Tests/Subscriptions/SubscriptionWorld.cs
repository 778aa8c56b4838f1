using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>The engine with its services, a clock that stands still, and variables x, y, z (numbers, EURange 200 wide) and others.</summary>
internal sealed class SubscriptionWorld : IDisposable
{
    private readonly List<SubscriptionClient> _clients = [];

    public SubscriptionWorld(SubscriptionLimits? limits = null)
    {
        Values = new FakeValues(Time);
        Events = new FakeEvents(Time);
        foreach (var name in new[] { "x", "y", "z" })
            Values.Add(name, Variant.Of(0.0), rangeWidth: 200);
        Values.Add("plain", Variant.Of(0));
        Values.Add("text", Variant.Of("12"));
        Values.Add("bytes", Variant.OfByteString([1, 2, 3, 4, 5]));
        Values.Add("array", Variant.Of([0, 1, 2, 3, 4, 5]));
        Values.Add("texts", Variant.Of(["abcd", "efgh", "ijkl"]));
        Values.Add("matrix", Variant.Of([1, 2, 3, 4, 5, 6]).WithDimensions([2, 3]));
        Log = new FakeLogger<SubscriptionEngine>();
        Engine = new SubscriptionEngine(Values, Events, limits ?? new SubscriptionLimits(), Time, new OpcUaMetrics(Meters), Log);
        Services = new SubscriptionServices(Engine);
        Table = new ServiceTable([Services]);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public TestMeterFactory Meters { get; } = new();

    public FakeValues Values { get; }

    /// <summary>The events of the nodes <c>area</c> and <c>other</c>.</summary>
    public FakeEvents Events { get; }

    public FakeLogger<SubscriptionEngine> Log { get; }

    public SubscriptionEngine Engine { get; }

    public SubscriptionServices Services { get; }

    public ServiceTable Table { get; }

    /// <summary>A client with a session: a user of a tenant, or anonymous.</summary>
    public SubscriptionClient Connect(
        string? user = "u1",
        string tenant = "acme",
        string application = "urn:client",
        uint maxResponseBytes = 0
    )
    {
        var tenantId = TenantId.Parse(tenant);
        var identity = user is null
            ? SessionIdentity.Anonymous(tenantId)
            : SessionIdentity.Of(new UserGrant(tenantId, user, user, version: 1, new HashSet<string>()));
        var session = new UaSession(NodeId.Of((uint)_clients.Count, 1), NodeId.Of((uint)_clients.Count))
        {
            Identity = identity,
            Client = new Types.ApplicationDescription { ApplicationUri = application },
            MaxResponseBytes = maxResponseBytes,
        };
        var client = new SubscriptionClient(Table, Time, session);
        _clients.Add(client);
        return client;
    }

    public void Pass(int milliseconds) => SubscriptionClient.Pass(Time, milliseconds);

    public void Dispose()
    {
        Engine.Dispose();
        Meters.Dispose();
        _clients.ForEach(client => client.Dispose());
        Assert.Empty(Log.Collector.GetSnapshot());
        Assert.Equal(0, Values.Watchers);
        Assert.Equal(0, Events.Watchers);
        Assert.Equal(0, Values.Holds);
    }
}
