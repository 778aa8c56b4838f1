using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>What a session of the server sees of history: its tenant's, and what its user may.</summary>
internal sealed class SessionHistoryScope(IHistoryNodes nodes, UaSession session, HistoryContinuationPoints points) : IHistoryScope
{
    public TenantId Tenant { get; } = session.Tenant;

    public HistoryContinuationPoints ContinuationPoints => points;

    public StatusCode Find(NodeIdView id, bool forUpdate, out HistoryNode node) => nodes.Find(session, id, forUpdate, out node);
}
