using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Finds the variables with history: the metrics of devices.</summary>
internal sealed class HistoryNodes(SessionSpaces spaces) : IHistoryNodes
{
    public StatusCode Find(UaSession session, NodeIdView id, bool forUpdate, out HistoryNode node)
    {
        node = default;
        if (SessionSpaces.Find(session) is not { } space)
            return StatusCodes.BadNodeIdUnknown;
        var status = space.Find(id, out var found);
        if (!status.IsGood)
            return status;
        if (found.Kind != NodeKind.Metric)
            return StatusCodes.BadHistoryOperationUnsupported;
        node = new HistoryNode(found.Device.Id, found.Device.Shape.Names[found.Slot].Text);
        var isAllowed = forUpdate ? space.User.MayWrite(found.Device) : space.User.MayRead(found);
        return isAllowed ? StatusCodes.Good : StatusCodes.BadUserAccessDenied;
    }

    public ServiceHandler Prepare(ServiceHandler handler) =>
        spaces.In((SessionSpace _, RequestContext context, ref UaReader reader) => handler(context, ref reader));
}
