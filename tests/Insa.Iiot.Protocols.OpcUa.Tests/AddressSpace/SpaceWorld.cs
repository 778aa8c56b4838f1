using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Methods;
using Insa.Iiot.Protocols.OpcUa.Server.Services;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Tests.Server;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

/// <summary>Two tenants, <c>acme</c> and <c>globex</c>, with devices of the same names, and the services of the address space over them.</summary>
internal sealed class SpaceWorld
{
    public static readonly TenantId Acme = TenantId.Parse("acme");
    public static readonly TenantId Globex = TenantId.Parse("globex");
    public static readonly DateTime Now = new(2026, 1, 1, 12, 0, 0, DateTimeKind.Utc);

    private readonly ServiceTable _table;

    public SpaceWorld(params ISpaceListener[] listeners)
    {
        Time = new FakeTimeProvider(Now);
        Ingress = new HeldIngress(Time);
        Values = new ServerValues(StandardNodes.Shared);
        var server = new ServerNodes(
            new ServerDescription
            {
                ApplicationUri = "urn:test:server",
                SoftwareVersion = "1.2.3",
                MaxSessions = 100,
            },
            Time
        );
        server.AddStatus(Values);
        server.AddCapabilities(Values, new SubscriptionLimits(), HistoryLimits.Default, EncodingLimits.Default);
        Shared = new SpaceShared(StandardNodes.Shared, "urn:test:server", new FixedCatalog(), Values, Time);
        Source = new SpaceSource(Registry, Latest);
        Monitored = new MonitoredValues(Time);
        Events = new MonitoredEvents(new EventMaker(StandardNodes.Shared, Time));
        Spaces = new TenantSpaces(Shared, Source, [Monitored, Events, .. listeners], Time);
        Sessions = new SessionSpaces(Spaces);
        Observer = new SpaceObserver(Spaces);
        _table = new ServiceTable([
            new ViewServices(Sessions),
            new TranslateService(Sessions),
            new ReadService(Sessions, Time),
            new WriteService(Sessions, Ingress, Time),
            new CallService(Sessions, new MethodTable(StandardNodes.Shared, [new DeviceMethods(Commands)])),
        ]);
        foreach (var tenant in (ReadOnlySpan<TenantId>)[Acme, Globex])
        {
            AddDevice(tenant, "press-1");
            AddDevice(tenant, "press-2");
            Say(tenant, "press-1", "temp", TelemetryValue.Of(tenant == Acme ? 21.5 : 77));
            Say(tenant, "press-1", "level", TelemetryValue.Of(3.0));
            Say(tenant, "press-1", "count", TelemetryValue.Of(7L));
            Say(tenant, "press-1", "running", TelemetryValue.Of(true));
            Say(tenant, "press-1", "mode", TelemetryValue.OfText("automatic"));
        }

        AddDevice(Acme, "only-acme");
        Say(Acme, "only-acme", "temp", TelemetryValue.Of(1.0));
    }

    public FakeTimeProvider Time { get; }

    public MemoryRegistry Registry { get; } = new();

    public MemoryLatest Latest { get; } = new();

    public ListedCommands Commands { get; } = new();

    public HeldIngress Ingress { get; }

    public ServerValues Values { get; }

    public SpaceShared Shared { get; }

    public SpaceSource Source { get; }

    public MonitoredValues Monitored { get; }

    public MonitoredEvents Events { get; }

    public TenantSpaces Spaces { get; }

    public SessionSpaces Sessions { get; }

    public SpaceObserver Observer { get; }

    public static string[] AllPermissions =>
        [
            SessionPermissions.ReadDevices,
            SessionPermissions.ReadTelemetry,
            SessionPermissions.WriteTelemetry,
            SessionPermissions.ExecuteCommands,
        ];

    /// <summary>The id of a node of a device: <c>press-1/temp</c>.</summary>
    public static NodeId Id(string text) => NodeId.OfString(TenantSpace.DevicesNamespace, text);

    /// <summary>An id in the namespace of our types.</summary>
    public static NodeId Own(uint id) => NodeId.Of(id, StandardNodes.TypesNamespace);

    public static SessionIdentity User(TenantId tenant, params string[] permissions) =>
        SessionIdentity.Of(new UserGrant(tenant, "u1", $"ann@example.com@{tenant}", 1, permissions.ToHashSet()));

    public void AddDevice(TenantId tenant, string id, string name = "", string? gateway = null) =>
        Registry.Add(
            tenant,
            new Device
            {
                Id = DeviceId.Parse(id),
                DisplayName = name,
                Gateway = gateway is null ? null : DeviceId.Parse(gateway),
                CreatedAt = Now.AddDays(-1),
            }
        );

    /// <summary>Puts a point in the store.</summary>
    public void Say(
        TenantId tenant,
        string device,
        string metric,
        TelemetryValue value,
        TelemetryQuality quality = default,
        int seconds = 0
    ) => Latest.Add(tenant, DeviceId.Parse(device), new TelemetryPoint(metric, Now.AddSeconds(seconds), value, quality));

    /// <summary>A client of a user who may do everything, or of somebody else.</summary>
    public ServiceCaller Client(TenantId tenant, SessionIdentity? identity = null) =>
        new(_table, ServiceCaller.Session(identity ?? User(tenant, AllPermissions)), Time);

    /// <summary>A client of a device, or of a gateway of others.</summary>
    public ServiceCaller Device(TenantId tenant, string device, params string[] others) =>
        Client(tenant, SessionIdentity.Of(new DeviceSession(tenant, DeviceId.Parse(device), others.Select(DeviceId.Parse))));

    /// <summary>Shows a committed frame to the observer.</summary>
    public async Task CommitAsync(TenantId tenant, string device, int seconds, params (string Metric, double Value)[] values)
    {
        using var chunk = new TelemetryChunk(1);
        chunk.Reset(tenant);
        var writer = new TelemetryFrameWriter(new TelemetryLimits());
        var id = DeviceId.Parse(device);
        writer.BeginMessage(chunk, new DeviceSession(tenant, id), id, Now.AddSeconds(seconds).Ticks);
        writer.SetTimestamp(Now.AddSeconds(seconds).Ticks);
        foreach (var (metric, value) in values)
            writer.AddDouble(System.Text.Encoding.UTF8.GetBytes(metric), value);
        writer.EndFrame();
        writer.CommitMessage();
        var batch = new TelemetryBatch();
        batch.Add(chunk);
        await Observer.OnCommittedAsync(batch, default);
    }

    public static async Task<DataValue> ReadAsync(
        ServiceCaller client,
        NodeId node,
        AttributeId attribute = AttributeId.Value,
        string? range = null
    )
    {
        var request = new ReadRequest
        {
            RequestHeader = new RequestHeader(),
            TimestampsToReturn = TimestampsToReturn.Both,
            NodesToRead =
            [
                new ReadValueId
                {
                    NodeId = node,
                    AttributeId = (uint)attribute,
                    IndexRange = range,
                },
            ],
        };
        var response = await client.CallAsync<ReadResponse>(request);
        return Assert.Single(response.Results!);
    }

    public static async Task<BrowseResult> BrowseAsync(
        ServiceCaller client,
        NodeId node,
        BrowseDirection direction = BrowseDirection.Forward,
        uint referenceType = 0,
        bool subtypes = true,
        uint most = 0,
        uint classes = 0,
        uint results = 63
    )
    {
        var request = new BrowseRequest
        {
            RequestHeader = new RequestHeader(),
            View = new ViewDescription(),
            RequestedMaxReferencesPerNode = most,
            NodesToBrowse =
            [
                new BrowseDescription
                {
                    NodeId = node,
                    BrowseDirection = direction,
                    ReferenceTypeId = NodeId.Of(referenceType),
                    IncludeSubtypes = subtypes,
                    NodeClassMask = classes,
                    ResultMask = results,
                },
            ],
        };
        var response = await client.CallAsync<BrowseResponse>(request);
        return Assert.Single(response.Results!);
    }

    public static async Task<StatusCode> WriteAsync(
        ServiceCaller client,
        NodeId node,
        DataValue value,
        AttributeId attribute = AttributeId.Value,
        string? range = null
    )
    {
        var response = await client.CallAsync<WriteResponse>(Write((node, value, attribute, range)));
        return Assert.Single(response.Results!);
    }

    public static WriteRequest Write(params (NodeId Node, DataValue Value, AttributeId Attribute, string? Range)[] values) =>
        new()
        {
            RequestHeader = new RequestHeader(),
            NodesToWrite = Array.ConvertAll(
                values,
                value => new WriteValue
                {
                    NodeId = value.Node,
                    AttributeId = (uint)value.Attribute,
                    IndexRange = value.Range,
                    Value = value.Value,
                }
            ),
        };

    public static async Task<CallMethodResult> CallAsync(ServiceCaller client, NodeId target, NodeId method, params Variant[] arguments)
    {
        var request = new CallRequest
        {
            RequestHeader = new RequestHeader(),
            MethodsToCall =
            [
                new CallMethodRequest
                {
                    ObjectId = target,
                    MethodId = method,
                    InputArguments = arguments,
                },
            ],
        };
        var response = await client.CallAsync<CallResponse>(request);
        return Assert.Single(response.Results!);
    }
}
