using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>
/// The values that monitored items watch, in the spaces of all tenants. They are pushed: nothing is polled. Thread-safe. May be called with a subscription
/// locked, so it must not wait for a watcher while it holds what these methods need.
/// </summary>
internal interface IMonitoredValues
{
    /// <summary>Finds an attribute for a session, in the space of the session's tenant only.</summary>
    /// <returns>Good; else why it cannot be watched: BadNodeIdUnknown, BadNodeIdInvalid, BadAttributeIdInvalid, BadNotReadable, BadUserAccessDenied.</returns>
    StatusCode Find(UaSession session, NodeIdView node, uint attributeId, out MonitoredAttribute attribute);

    /// <summary>Whether a session's user may see an attribute that was found before, perhaps for another user of the tenant.</summary>
    bool MayRead(UaSession session, in MonitoredAttribute attribute);

    /// <summary>Keeps what a session sees up to date until the holder is disposed, also when the session is closed before: its subscriptions outlive it.</summary>
    IDisposable? Hold(UaSession session);

    /// <summary>What filters may ask of it, as of now.</summary>
    MonitoredKind KindOf(in MonitoredAttribute attribute);

    /// <summary>The current value with its status and times; a bad status if there is none.</summary>
    DataValue Read(in MonitoredAttribute attribute);

    /// <summary>From now on the watcher hears of every change. A watcher watches one attribute.</summary>
    void Watch(in MonitoredAttribute attribute, IValueWatcher watcher);

    /// <summary>Ends it. The watcher may still hear of a change that is under way.</summary>
    void Unwatch(in MonitoredAttribute attribute, IValueWatcher watcher);
}
