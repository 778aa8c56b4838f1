using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>One node of a HistoryUpdate request (Part 4 §5.10.5): the values to put into its history.</summary>
internal sealed class HistoryUpdateCall
{
    private HistoryUpdateCall(StatusCode status) => Status = status;

    /// <summary>Good, or why the node is left as it is.</summary>
    public StatusCode Status { get; }

    public PerformUpdateType Kind { get; private init; }

    public DataValue[] Values { get; private init; } = [];

    /// <summary>The variable's device.</summary>
    public DeviceNode? Device { get; private init; }

    /// <summary>The variable.</summary>
    public HistoryNode Node { get; private init; }

    /// <summary>What the variable has now: new values are of the same type.</summary>
    public LatestValue Current { get; private init; }

    public DeviceSession? Session { get; private init; }

    /// <summary>Reads the next node's details.</summary>
    public static HistoryUpdateCall Read(ref UaReader reader, SessionSpace space)
    {
        if (reader.Structure<UpdateDataDetails>(reader.ExtensionObjectView()) is not { } details)
            return new(StatusCodes.BadHistoryOperationUnsupported);
        var status = space.Find(details.NodeId.AsView(), out var node);
        if (!status.IsGood)
            return new(status);
        if (
            node.Kind != NodeKind.Metric
            || details.PerformInsertReplace is not (PerformUpdateType.Insert or PerformUpdateType.Replace or PerformUpdateType.Update)
        )
            return new(StatusCodes.BadHistoryOperationUnsupported);
        if (!space.User.MayWrite(node.Device))
            return new(StatusCodes.BadUserAccessDenied);
        return new(StatusCodes.Good)
        {
            Kind = details.PerformInsertReplace,
            Values = details.UpdateValues ?? [],
            Device = node.Device,
            Node = new HistoryNode(node.Device.Id, node.Device.Shape.Names[node.Slot].Text),
            Current = node.Device.Read(node.Slot),
            Session = space.User.IngestSession(node.Device),
        };
    }
}
