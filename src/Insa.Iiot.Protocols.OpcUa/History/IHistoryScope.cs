using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>What one session sees of history.</summary>
internal interface IHistoryScope
{
    TenantId Tenant { get; }

    HistoryContinuationPoints ContinuationPoints { get; }

    /// <summary>Finds the variable that a node id names, for reading or for writing.</summary>
    /// <returns>Good; or BadNodeIdUnknown, BadHistoryOperationUnsupported for a node without history, BadUserAccessDenied.</returns>
    StatusCode Find(NodeIdView id, bool forUpdate, out HistoryNode node);
}
