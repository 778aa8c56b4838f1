using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>Knows the variables with history, in the spaces of all tenants. Thread-safe.</summary>
internal interface IHistoryNodes
{
    /// <summary>Finds a variable for a session, in the space of the session's tenant only.</summary>
    /// <returns>
    /// Good; else why its history cannot be read or, <paramref name="forUpdate"/>, written: BadNodeIdUnknown, BadHistoryOperationUnsupported,
    /// BadUserAccessDenied.
    /// </returns>
    StatusCode Find(UaSession session, NodeIdView id, bool forUpdate, out HistoryNode node);

    /// <summary>Makes a handler of one that finds nodes, called once what it needs for a session is there.</summary>
    ServiceHandler Prepare(ServiceHandler handler) => handler;
}
