using System.Collections.Concurrent;
using Insa.Iiot.Protocols.OpcUa.Alarms;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Events;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>
/// The nodes that a tenant's sessions see: the standard's, and those of its own devices. Nothing of another tenant can be named in it. Nodes of devices are
/// computed from compact records when they are asked for. Thread-safe; read without locks.
/// </summary>
internal sealed partial class TenantSpace
{
    /// <summary>The namespace of the tenant's own nodes.</summary>
    public const ushort DevicesNamespace = 3;

    private readonly ConcurrentDictionary<byte[], DeviceNode> _devices = new(Utf8BytesComparer.Instance);
    private readonly ConcurrentDictionary<byte[], DeviceNode>.AlternateLookup<ReadOnlySpan<byte>> _devicesById;
    private readonly Lock _changing = new();
    private readonly SpaceShared _shared;
    private readonly byte[] _tenantUtf8;
    private volatile DeviceNode[] _sorted = [];
    private int _version = 1;

    public TenantSpace(TenantId tenant, SpaceShared shared)
    {
        Tenant = tenant;
        _shared = shared;
        _tenantUtf8 = System.Text.Encoding.ASCII.GetBytes(tenant.Value);
        _devicesById = _devices.GetAlternateLookup<ReadOnlySpan<byte>>();
        Names = new MetricNames(tenant, shared.Catalog);
        Alarms = new SpaceAlarms(this);
        NamespaceUris = [UaNamespace, shared.ApplicationUri, TypesUri, $"urn:insa:iiot:{tenant.Value}:devices"];
    }

    /// <summary>The URI of namespace 0.</summary>
    public const string UaNamespace = "http://opcfoundation.org/UA/";

    /// <summary>The URI of our types.</summary>
    public const string TypesUri = "urn:insa:iiot:types";

    public TenantId Tenant { get; }

    /// <summary>The URIs of the namespaces by index. The same indexes for ever.</summary>
    public string[] NamespaceUris { get; }

    public MetricNames Names { get; }

    /// <summary>Who watches its events.</summary>
    public SpaceEvents Events { get; } = new();

    /// <summary>The alarms of its devices.</summary>
    public SpaceAlarms Alarms { get; }

    public StandardNodes Nodes => _shared.Nodes;

    public DeclarationIndexes Indexes => _shared.Indexes;

    /// <summary>The devices by id (ordinal), as of now.</summary>
    public ReadOnlySpan<DeviceNode> Devices => _sorted;

    /// <summary>Counts how often devices came and went.</summary>
    public int Version => Volatile.Read(ref _version);

    /// <summary>Finds a node.</summary>
    /// <returns><see langword="false"/> if the tenant has none of that id: it does not matter whether another tenant has.</returns>
    public bool TryFind(NodeIdView id, out NodeHandle node)
    {
        if (id.NamespaceIndex == DevicesNamespace)
            return id.Type == NodeIdType.String ? TryFindInDevice(id.Identifier, out node) : TryFindInTenant(id, out node);
        node = default;
        if (id.NamespaceIndex == DiagnosticNodes.Namespace)
            return Diagnostics?.TryFind(Tenant, id, out node) == true;
        if (id.Type != NodeIdType.Numeric || !Nodes.TryFind(id.NamespaceIndex, id.Numeric, out var index))
            return false;
        node = new NodeHandle(NodeKind.Standard, index);
        return true;
    }

    /// <summary>Finds a device.</summary>
    public bool TryFindDevice(ReadOnlySpan<byte> id, out DeviceNode device) => _devicesById.TryGetValue(id, out device!);

    /// <summary>Finds a device.</summary>
    public bool TryFindDevice(DeviceId id, out DeviceNode device)
    {
        Span<byte> utf8 = stackalloc byte[DeviceId.MaxLength];
        System.Text.Encoding.ASCII.TryGetBytes(id.Value, utf8, out var length);
        return TryFindDevice(utf8[..length], out device);
    }

    // "device", "device#Member", "device/metric", "device#Property/metric": a device's id has neither of the two marks.
    private bool TryFindInDevice(ReadOnlySpan<byte> text, out NodeHandle node)
    {
        node = default;
        var mark = text.IndexOfAny((byte)'/', (byte)'#');
        if (!TryFindDevice(mark < 0 ? text : text[..mark], out var device))
            return false;
        if (mark < 0)
        {
            node = new NodeHandle(NodeKind.Device, Indexes.DeviceType, device);
            return true;
        }

        var rest = text[(mark + 1)..];
        if (text[mark] == '/')
            return TryFindMetric(device, rest, out node);
        var slash = rest.IndexOf((byte)'/');
        if (slash < 0)
            return TryFindMember(device, rest, out node);
        return TryFindMetric(device, rest[(slash + 1)..], out var metric) && TryFindProperty(metric, rest[..slash], out node);
    }

    private bool TryFindMetric(DeviceNode device, ReadOnlySpan<byte> name, out NodeHandle node)
    {
        var slot = device.Shape.FindSlot(name);
        node = slot < 0 ? default : new NodeHandle(NodeKind.Metric, Indexes.DataItemType, device, slot);
        return slot >= 0;
    }

    private bool TryFindMember(DeviceNode device, ReadOnlySpan<byte> name, out NodeHandle node)
    {
        node = default;
        if (!_shared.TryFindDeviceMember(name, out var declaration) || !HasMember(device, declaration))
            return false;
        node = new NodeHandle(NodeKind.Device, declaration, device);
        return true;
    }

    private bool TryFindProperty(in NodeHandle metric, ReadOnlySpan<byte> name, out NodeHandle node)
    {
        var property = name.SequenceEqual(Nodes.BrowseNameOf(Indexes.EngineeringUnits)) ? Indexes.EngineeringUnits : Indexes.EURange;
        node = default;
        if (!name.SequenceEqual(Nodes.BrowseNameOf(property)) || !HasProperty(metric, property))
            return false;
        node = metric with { Kind = NodeKind.MetricProperty, Declaration = property };
        return true;
    }

    private bool TryFindInTenant(NodeIdView id, out NodeHandle node)
    {
        node = default;
        if (id.Type != NodeIdType.Numeric || !Nodes.TryFind(StandardNodes.TypesNamespace, id.Numeric, out var declaration))
            return false;
        if (declaration != Indexes.TenantType && !_shared.IsTenantMember(declaration))
            return false;
        node = new NodeHandle(NodeKind.Tenant, declaration);
        return true;
    }

    private bool HasMember(DeviceNode device, int declaration) => declaration != Indexes.Gateway || device.Registered.Gateway is not null;

    private bool HasProperty(in NodeHandle metric, int property)
    {
        var description = metric.Device.Shape.Names[metric.Slot].Description;
        if (description is null || !IsNumber(metric))
            return false;
        return property == Indexes.EngineeringUnits ? description.Unit is not null : description.Range is not null;
    }

    private static bool IsNumber(in NodeHandle metric) =>
        metric.Device.Read(metric.Slot).Kind is TelemetryValueKind.Double or TelemetryValueKind.Long;
}
