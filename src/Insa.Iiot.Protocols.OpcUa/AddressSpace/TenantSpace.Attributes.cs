using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>What nodes are like.</summary>
internal sealed partial class TenantSpace
{
    private const AccessLevels Telemetry =
        AccessLevels.CurrentRead
        | AccessLevels.CurrentWrite
        | AccessLevels.HistoryRead
        | AccessLevels.StatusWrite
        | AccessLevels.TimestampWrite;

    /// <summary>Reads an attribute.</summary>
    /// <param name="node">The node.</param>
    /// <param name="attribute">The attribute.</param>
    /// <param name="user">Who reads it.</param>
    /// <returns>The attribute, without a server timestamp; with BadAttributeIdInvalid if the node has none of that number.</returns>
    public DataValue Read(in NodeHandle node, AttributeId attribute, SpaceUser user)
    {
        if (IsGone(node))
            return DataValue.Of(StatusCodes.BadNodeIdUnknown);
        if (attribute == AttributeId.Value)
        {
            if (CheckDiagnostics(node, user) is { IsGood: false } refusal)
                return DataValue.Of(refusal);
            return user.MayRead(node) ? ReadValue(node) : DataValue.Of(StatusCodes.BadUserAccessDenied);
        }

        return TryRead(node, attribute, user, out var value) ? new DataValue(value) : DataValue.Of(StatusCodes.BadAttributeIdInvalid);
    }

    /// <summary>What may be done with a variable's value by whoever may do most, or by one user.</summary>
    public AccessLevels AccessLevelOf(in NodeHandle node, SpaceUser? user = null)
    {
        if (IsSwitch(node))
            return user?.MayAdminister == false ? AccessLevels.CurrentRead : AccessLevels.CurrentRead | AccessLevels.CurrentWrite;
        if (user is not null && CheckDiagnostics(node, user) == StatusCodes.BadUserAccessDenied)
            return default;
        if (node.Kind == NodeKind.Subscription)
            return AccessLevels.CurrentRead;
        if (node.Kind != NodeKind.Metric)
            return Nodes[node.Declaration].AccessLevel & AccessLevels.CurrentRead;
        return user?.MayWrite(node.Device) == false ? AccessLevels.CurrentRead | AccessLevels.HistoryRead : Telemetry;
    }

    /// <summary>The index of a variable's data type in <see cref="Nodes"/>.</summary>
    public int DataTypeOf(in NodeHandle node)
    {
        if (node.Kind != NodeKind.Metric)
            return Nodes[node.Declaration].DataType;
        return node.Device.Read(node.Slot).Kind switch
        {
            TelemetryValueKind.Double => Indexes.Double,
            TelemetryValueKind.Long => Indexes.Int64,
            TelemetryValueKind.Bool => Indexes.Boolean,
            _ => Indexes.String,
        };
    }

    /// <summary>Whether events can be watched at a node: at the server, the tenant, the folder of its devices, and each device.</summary>
    public bool IsNotifier(in NodeHandle node) =>
        node.Kind switch
        {
            NodeKind.Standard => (Nodes[node.Declaration].Flags & StandardNodeFlags.IsNotifier) != StandardNodeFlags.None
                && Nodes[node.Declaration].Namespace == 0,
            NodeKind.Tenant => IsRoot(node) || node.Declaration == Indexes.Devices,
            NodeKind.Device => IsRoot(node),
            _ => false,
        };

    private bool TryRead(in NodeHandle node, AttributeId attribute, SpaceUser user, out Variant value)
    {
        Variant? found = attribute switch
        {
            AttributeId.NodeId => Variant.Of(IdOf(node)),
            AttributeId.NodeClass => Variant.Of((int)ClassOf(node)),
            AttributeId.BrowseName => Variant.Of(new QualifiedName(BrowseNamespaceOf(node), Text(BrowseNameOf(node)))),
            AttributeId.DisplayName => Variant.Of(new LocalizedText(null, DisplayNameOf(node))),
            AttributeId.WriteMask or AttributeId.UserWriteMask => Variant.Of(0u),
            _ => ClassOf(node) switch
            {
                NodeClass.Variable => ReadOfVariable(node, attribute, user),
                NodeClass.VariableType => ReadOfVariableType(node, attribute),
                NodeClass.Object => attribute == AttributeId.EventNotifier ? Variant.Of(IsNotifier(node) ? (byte)1 : (byte)0) : null,
                NodeClass.Method => attribute switch
                {
                    AttributeId.Executable or AttributeId.UserExecutable => Variant.Of(true),
                    _ => null,
                },
                NodeClass.View => attribute switch
                {
                    AttributeId.ContainsNoLoops => Variant.Of(true),
                    AttributeId.EventNotifier => Variant.Of((byte)0),
                    _ => null,
                },
                _ => ReadOfType(node, attribute),
            },
        };
        value = found.GetValueOrDefault();
        return found is not null;
    }

    private Variant? ReadOfVariable(in NodeHandle node, AttributeId attribute, SpaceUser user)
    {
        ref readonly var row = ref Nodes[node.Declaration];
        var isMetric = node.Kind == NodeKind.Metric;
        return attribute switch
        {
            AttributeId.DataType => Variant.Of(NodeIdOfRow(DataTypeOf(node))),
            AttributeId.ValueRank => Variant.Of(isMetric ? -1 : row.ValueRank),
            AttributeId.ArrayDimensions => !isMetric && Nodes.ArrayDimensionsOf(node.Declaration) is { } dimensions
                ? Variant.Of(dimensions)
                : null,
            AttributeId.AccessLevel => Variant.Of((byte)AccessLevelOf(node)),
            AttributeId.AccessLevelEx => Variant.Of((uint)AccessLevelOf(node)),
            AttributeId.UserAccessLevel => Variant.Of((byte)AccessLevelOf(node, user)),
            AttributeId.MinimumSamplingInterval => Variant.Of(isMetric ? 0 : row.MinimumSamplingInterval),
            AttributeId.Historizing => Variant.Of(isMetric),
            _ => null,
        };
    }

    private Variant? ReadOfVariableType(in NodeHandle node, AttributeId attribute)
    {
        ref readonly var row = ref Nodes[node.Declaration];
        return attribute switch
        {
            AttributeId.IsAbstract => Variant.Of(row.IsAbstract),
            AttributeId.DataType => Variant.Of(NodeIdOfRow(row.DataType)),
            AttributeId.ValueRank => Variant.Of((int)row.ValueRank),
            AttributeId.ArrayDimensions => Nodes.ArrayDimensionsOf(node.Declaration) is { } dimensions ? Variant.Of(dimensions) : null,
            _ => null,
        };
    }

    private Variant? ReadOfType(in NodeHandle node, AttributeId attribute)
    {
        ref readonly var row = ref Nodes[node.Declaration];
        return (attribute, row.Class) switch
        {
            (AttributeId.IsAbstract, _) => Variant.Of(row.IsAbstract),
            (AttributeId.Symmetric, NodeClass.ReferenceType) => Variant.Of(row.IsSymmetric),
            (AttributeId.InverseName, NodeClass.ReferenceType) => Nodes.TextOf(row.InverseName) is { IsEmpty: false } name
                ? Variant.Of(new LocalizedText(null, Text(name)))
                : null,
            (AttributeId.DataTypeDefinition, NodeClass.DataType) => row.ValueLength > 0 ? Decode(Nodes.ValueOf(node.Declaration)) : null,
            _ => null,
        };
    }

    private DataValue ReadValue(in NodeHandle node)
    {
        if (node.Kind == NodeKind.Metric)
            return ReadMetric(node.Device.Read(node.Slot));
        var nodeClass = ClassOf(node);
        if (nodeClass == NodeClass.VariableType)
            return Nodes[node.Declaration].ValueLength > 0
                ? new DataValue(Decode(Nodes.ValueOf(node.Declaration)))
                : DataValue.Of(StatusCodes.BadAttributeIdInvalid);
        if (nodeClass != NodeClass.Variable)
            return DataValue.Of(StatusCodes.BadAttributeIdInvalid);
        return new DataValue(ValueOf(node), SourceTimestamp: _shared.Time.GetUaTicks());
    }

    /// <summary>A telemetry value as it is read, without a server timestamp.</summary>
    public static DataValue ReadMetric(in LatestValue latest)
    {
        if (latest.Ticks == 0)
            return DataValue.Of(StatusCodes.BadWaitingForInitialData);
        return new DataValue(ToVariant(latest), TelemetryStatus.Of(latest.Quality), UaDateTime.FromTicks(latest.Ticks));
    }

    /// <summary>A telemetry value as a variant.</summary>
    public static Variant ToVariant(in LatestValue latest) =>
        latest.Kind switch
        {
            TelemetryValueKind.Double => Variant.Of(BitConverter.Int64BitsToDouble(latest.Bits)),
            TelemetryValueKind.Long => Variant.Of(latest.Bits),
            TelemetryValueKind.Bool => Variant.Of(latest.Bits != 0),
            _ => Variant.Of(Text(latest.Text)),
        };

    private Variant ValueOf(in NodeHandle node)
    {
        switch (node.Kind)
        {
            case NodeKind.Standard:
                if (_shared.Values.TryGet(node.Declaration, this, out var live))
                    return live;
                return Nodes[node.Declaration].ValueLength > 0 ? Decode(Nodes.ValueOf(node.Declaration)) : default;
            case NodeKind.Tenant:
                return Variant.Of(node.Declaration == Indexes.TenantIdProperty ? Tenant.Value : VersionText(Version));
            case NodeKind.MetricProperty:
                var description = node.Device.Shape.Names[node.Slot].Description!;
                return node.Declaration == Indexes.EURange ? Variant.Of(description.Range!) : Variant.Of(description.Unit!);
            case NodeKind.Session or NodeKind.Subscription:
                return Diagnostics!.ValueOf(Tenant, node);
            default:
                return DeviceValueOf(node);
        }
    }

    private Variant DeviceValueOf(in NodeHandle node)
    {
        var registered = node.Device.Registered;
        var declaration = node.Declaration;
        if (declaration == Indexes.DeviceIdProperty)
            return Variant.Of(registered.Id.Value);
        if (declaration == Indexes.DeviceName)
            return Variant.Of(registered.DisplayName);
        if (declaration == Indexes.Gateway)
            return Variant.Of(registered.Gateway?.Value);
        if (declaration == Indexes.RegisteredAt)
            return Variant.OfDateTime(UaDateTime.FromTicks(registered.CreatedAt.Ticks));
        if (declaration == Indexes.DeviceVersion)
            return Variant.Of(VersionText(node.Device.Version));
        if (declaration == Indexes.Status)
            return Variant.Of((int)registered.State);
        if (declaration == Indexes.StatusText)
            return Variant.Of(new LocalizedText(null, registered.State == DeviceState.Enabled ? "Enabled" : "Disabled"));
        return Decode(Nodes.ValueOf(declaration));
    }

    private NodeId NodeIdOfRow(int index) => NodeId.Of(Nodes[index].Id, Nodes[index].Namespace);

    private static string VersionText(long version) => version.ToString(System.Globalization.CultureInfo.InvariantCulture);

    // What the table holds was encoded by us.
    private static Variant Decode(ReadOnlySpan<byte> encoded)
    {
        var reader = new UaReader(encoded, EncodingLimits.Default);
        return reader.Variant();
    }
}
