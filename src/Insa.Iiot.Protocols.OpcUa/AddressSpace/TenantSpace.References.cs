using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>How nodes hang together.</summary>
internal sealed partial class TenantSpace
{
    /// <summary>Finds the next reference of a node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="position">Where to go on; moved past what is found. Starts as default.</param>
    /// <param name="reference">What is found.</param>
    /// <returns><see langword="false"/> if there is none left.</returns>
    public bool TryGetNext(in NodeHandle node, ref ReferencePosition position, out NodeReference reference) =>
        node.Kind switch
        {
            NodeKind.Standard => TryGetNextOfStandard(node, ref position, out reference),
            NodeKind.Tenant or NodeKind.Device or NodeKind.Session or NodeKind.Subscription => TryGetNextOfInstance(
                node,
                ref position,
                out reference
            ),
            NodeKind.Metric => TryGetNextOfMetric(node, ref position, out reference),
            _ => TryGetNextOfProperty(node, ref position, out reference),
        };

    /// <summary>The type definition of a node.</summary>
    /// <returns>Its index in <see cref="Nodes"/>, or -1 for a node that has none.</returns>
    public int TypeDefinitionOf(in NodeHandle node)
    {
        switch (node.Kind)
        {
            case NodeKind.Metric:
                return TypeOfMetric(node);
            case NodeKind.MetricProperty:
                return Indexes.PropertyType;
            default:
                if (IsRoot(node))
                    return node.Declaration;
                foreach (var reference in Nodes.ReferencesOf(node.Declaration))
                {
                    if (reference.IsForward && reference.Type == Indexes.HasTypeDefinition)
                        return reference.Target;
                }

                return -1;
        }
    }

    public NodeClass ClassOf(in NodeHandle node) =>
        node.Kind switch
        {
            NodeKind.Metric or NodeKind.MetricProperty => NodeClass.Variable,
            NodeKind.Subscription => NodeClass.Variable,
            _ when IsRoot(node) => NodeClass.Object,
            _ => Nodes[node.Declaration].Class,
        };

    /// <summary>Finds what the folder of devices, or of a device's telemetry, has under a name of the tenant's namespace.</summary>
    public bool TryFindNamed(in NodeHandle folder, ReadOnlySpan<byte> name, out NodeReference reference)
    {
        reference = default;
        if (folder.Kind == NodeKind.Tenant && folder.Declaration == Indexes.Devices && TryFindDevice(name, out var device))
            reference = new(Indexes.Organizes, new NodeHandle(NodeKind.Device, Indexes.DeviceType, device), IsForward: true);
        else if (
            folder.Kind == NodeKind.Device
            && folder.Declaration == Indexes.Telemetry
            && TryFindMetric(folder.Device, name, out var metric)
        )
            reference = new(Indexes.HasComponent, metric, IsForward: true);
        return !reference.Target.IsNone;
    }

    private NodeHandle TenantRoot => new(NodeKind.Tenant, Indexes.TenantType);

    /// <summary>Whether it is an object of the tenant, of a device or the like itself, not one below it.</summary>
    private bool IsRoot(in NodeHandle node) =>
        (node.Kind == NodeKind.Tenant && node.Declaration == Indexes.TenantType)
        || (node.Kind == NodeKind.Device && node.Declaration == Indexes.DeviceType)
        || (node.Kind == NodeKind.Session && node.Declaration == Diagnostics!.SessionType)
        || (node.Kind == NodeKind.Subscription && node.Declaration == Diagnostics!.SubscriptionType);

    private bool TryGetNextOfStandard(in NodeHandle node, ref ReferencePosition position, out NodeReference reference)
    {
        var rows = Nodes.ReferencesOf(node.Declaration);
        var next = position.Next;
        if (next >= rows.Length && node.Declaration != Indexes.Tenants && node.Declaration != Indexes.Server)
            return TryGetListed(node, rows.Length, ref position, out reference);
        position = position with { Next = next + 1 };
        if (next < rows.Length)
        {
            reference = new(rows[next].Type, new NodeHandle(NodeKind.Standard, rows[next].Target), rows[next].IsForward);
            return true;
        }

        // The tenant is a notifier below the server. What is below the tenant says by its attribute that it is one: a second reference to each of its nodes
        // would show all of them twice, and OPC 10000-3 asks for none.
        reference = new(node.Declaration == Indexes.Server ? Indexes.HasNotifier : Indexes.Organizes, TenantRoot, IsForward: true);
        return next == rows.Length;
    }

    // First what the type or the declaration says; then the type definition and the parent of the object itself; then what comes and goes.
    private bool TryGetNextOfInstance(in NodeHandle node, ref ReferencePosition position, out NodeReference reference)
    {
        var rows = Nodes.ReferencesOf(
            node.Kind == NodeKind.Tenant && node.Declaration == Indexes.Devices ? Indexes.DevicesType : node.Declaration
        );
        while (position.Next < rows.Length)
        {
            var row = rows[position.Next];
            position = position with { Next = position.Next + 1 };
            if (TryInstantiate(node, row, out reference))
                return true;
        }

        var next = position.Next - rows.Length;
        var own = OwnReferences(node);
        if (next < own)
        {
            position = position with { Next = position.Next + 1 };
            reference = OwnReference(node, next);
            return true;
        }

        if (node.Kind == NodeKind.Session)
            return TryGetListed(node, rows.Length + own, ref position, out reference);
        if (node.Kind == NodeKind.Device && node.Declaration == Indexes.Telemetry)
            return TryGetMetric(node, next - own, ref position, out reference);
        if (node.Kind == NodeKind.Tenant && node.Declaration == Indexes.Devices)
            return TryGetDevice(ref position, out reference);
        reference = default;
        return false;
    }

    private bool TryInstantiate(in NodeHandle node, in StandardReference row, out NodeReference reference)
    {
        reference = default;
        var target = new NodeHandle(NodeKind.Standard, row.Target);
        if (row.IsForward && row.Type == Indexes.HasTypeDefinition)
        {
            reference = new(row.Type, target, IsForward: true);
            return true;
        }

        if (row.Type != Indexes.HasComponent && row.Type != Indexes.HasProperty)
            return false;
        if (row.IsForward && Nodes[row.Target].Class == NodeClass.Method)
        {
            reference = new(row.Type, target, IsForward: true);
            return true;
        }

        if (row.IsForward && !(_shared.IsMember(row) && (node.Owner is null || HasMember(node.Owner, row.Target))))
            return false;

        // The declaration of NodeVersion belongs to the type of the folder of devices, which here is the folder itself.
        var declaration = row.Target == Indexes.DevicesType ? Indexes.Devices : row.Target;
        reference = new(row.Type, node with { Declaration = declaration }, row.IsForward);
        return true;
    }

    // The object of a tenant or a device: its type and its parent, of a tenant two. The folder of devices: those as well, since its rows are its type's.
    private int OwnReferences(in NodeHandle node) =>
        node.Kind is NodeKind.Session or NodeKind.Subscription ? CountOwnOfDiagnostics(node)
        : !IsRoot(node) && !(node.Kind == NodeKind.Tenant && node.Declaration == Indexes.Devices) ? 0
        : node == TenantRoot ? 3
        : 2;

    private NodeReference OwnReference(in NodeHandle node, int number)
    {
        if (node.Kind is NodeKind.Session or NodeKind.Subscription)
            return OwnReferenceOfDiagnostics(node, number);
        if (number == 0)
            return new(Indexes.HasTypeDefinition, new NodeHandle(NodeKind.Standard, TypeDefinitionOf(node)), IsForward: true);
        if (node.Kind == NodeKind.Device)
            return new(Indexes.Organizes, new NodeHandle(NodeKind.Tenant, Indexes.Devices), IsForward: false);
        if (!IsRoot(node))
            return new(Indexes.HasComponent, TenantRoot, IsForward: false);
        return number == 1
            ? new(Indexes.Organizes, new NodeHandle(NodeKind.Standard, Indexes.Tenants), IsForward: false)
            : new(Indexes.HasNotifier, new NodeHandle(NodeKind.Standard, Indexes.Server), IsForward: false);
    }

    private bool TryGetMetric(in NodeHandle node, int slot, ref ReferencePosition position, out NodeReference reference)
    {
        reference = new(Indexes.HasComponent, new NodeHandle(NodeKind.Metric, Indexes.DataItemType, node.Owner, slot), IsForward: true);
        position = position with { Next = position.Next + 1 };
        return slot < node.Device.Shape.Count;
    }

    private bool TryGetDevice(ref ReferencePosition position, out NodeReference reference)
    {
        var devices = _sorted;
        var next = position.After is DeviceNode after ? IndexAfter(devices, after.Id) : 0;
        if (next >= devices.Length)
        {
            reference = default;
            return false;
        }

        position = position with { After = devices[next] };
        reference = new(Indexes.Organizes, new NodeHandle(NodeKind.Device, Indexes.DeviceType, devices[next]), IsForward: true);
        return true;
    }

    private bool TryGetNextOfMetric(in NodeHandle node, ref ReferencePosition position, out NodeReference reference)
    {
        while (position.Next < 5)
        {
            var number = position.Next;
            position = position with { Next = number + 1 };
            if (number is 3 or 4)
            {
                var property = number == 3 ? Indexes.EngineeringUnits : Indexes.EURange;
                if (!HasProperty(node, property))
                    continue;
                reference = new(Indexes.HasProperty, node with { Kind = NodeKind.MetricProperty, Declaration = property }, IsForward: true);
                return true;
            }

            reference = number switch
            {
                0 => new(Indexes.HasTypeDefinition, new NodeHandle(NodeKind.Standard, TypeOfMetric(node)), IsForward: true),
                1 => new(
                    Indexes.HasHistoricalConfiguration,
                    new NodeHandle(NodeKind.Standard, IsNumber(node) ? Indexes.SlopedHistory : Indexes.SteppedHistory),
                    IsForward: true
                ),
                _ => new(Indexes.HasComponent, new NodeHandle(NodeKind.Device, Indexes.Telemetry, node.Owner), IsForward: false),
            };
            return true;
        }

        reference = default;
        return false;
    }

    private bool TryGetNextOfProperty(in NodeHandle node, ref ReferencePosition position, out NodeReference reference)
    {
        var number = position.Next;
        position = position with { Next = number + 1 };
        reference =
            number == 0
                ? new(Indexes.HasTypeDefinition, new NodeHandle(NodeKind.Standard, Indexes.PropertyType), IsForward: true)
                : new(Indexes.HasProperty, node with { Kind = NodeKind.Metric, Declaration = Indexes.DataItemType }, IsForward: false);
        return number < 2;
    }

    private int TypeOfMetric(in NodeHandle metric) =>
        HasProperty(metric, Indexes.EngineeringUnits) ? Indexes.AnalogUnitType
        : HasProperty(metric, Indexes.EURange) ? Indexes.AnalogItemType
        : Indexes.DataItemType;

    private static int IndexAfter(DeviceNode[] devices, DeviceId id)
    {
        var (low, high) = (0, devices.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (string.CompareOrdinal(devices[middle].Id.Value, id.Value) <= 0)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
