using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>The events that monitored items watch, in the spaces of all tenants. Thread-safe. May be called with a subscription locked.</summary>
internal interface IMonitoredEvents
{
    /// <summary>The types of events.</summary>
    EventTypes Types { get; }

    /// <summary>Makes the events of the server itself.</summary>
    EventMaker Maker { get; }

    /// <summary>Finds a node for a session, in the space of the session's tenant only.</summary>
    /// <returns>Good; else why its events cannot be watched: BadNodeIdUnknown, BadNodeIdInvalid, BadAttributeIdInvalid, BadNotSupported.</returns>
    StatusCode Find(UaSession session, NodeIdView node, out IEventNotifier? notifier);
}
