using System.Collections.Concurrent;
using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>Two notifiers, <c>area</c> and <c>other</c>, of which events are raised when a test says so.</summary>
internal sealed class FakeEvents(TimeProvider time) : IMonitoredEvents
{
    private readonly Dictionary<string, Notifier> _notifiers = new() { ["area"] = new(), ["other"] = new() };

    public EventTypes Types => EventTypes.Shared;

    public EventMaker Maker { get; } = new(StandardNodes.Shared, time);

    public int Watchers => _notifiers.Values.Sum(notifier => notifier.Watchers.Count);

    public StatusCode Find(UaSession session, NodeIdView node, out IEventNotifier? notifier)
    {
        notifier = null;
        var name = node.Type == NodeIdType.String ? System.Text.Encoding.UTF8.GetString(node.Identifier) : "";
        if (name is "x")
            return StatusCodes.BadAttributeIdInvalid;
        if (name is "deaf")
            return StatusCodes.BadNotSupported;
        if (!_notifiers.TryGetValue(name, out var found))
            return StatusCodes.BadNodeIdUnknown;
        notifier = found;
        return StatusCodes.Good;
    }

    public UaEvent Raise(string node, string message, ushort severity = 500, uint type = NodeIds.SystemEventType)
    {
        var e = new UaEvent(Maker.OfServer(type, message, severity, node));
        Raise(node, e);
        return e;
    }

    public void Raise(string node, UaEvent e)
    {
        foreach (var watcher in _notifiers[node].Watchers.Keys)
            watcher.OnEvent(e);
    }

    private sealed class Notifier : IEventNotifier
    {
        public ConcurrentDictionary<IEventWatcher, bool> Watchers { get; } = new();

        public void Watch(IEventWatcher watcher) => Assert.True(Watchers.TryAdd(watcher, true));

        public void Unwatch(IEventWatcher watcher) => Assert.True(Watchers.TryRemove(watcher, out _));

        public UaEvent? See(UaEvent e, SessionIdentity identity) => e;
    }
}
