using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>Makes events of what happens in tenants' spaces, and finds the nodes that tell of them.</summary>
internal sealed class MonitoredEvents(EventMaker maker) : IMonitoredEvents, ISpaceListener
{
    // A message has to hold an event.
    private const int ChangesPerEvent = 500;

    private const ushort ModelChangeSeverity = 100;
    private const ushort EnabledSeverity = 100;
    private const ushort DisabledSeverity = 500;

    public EventTypes Types => EventTypes.Shared;

    public EventMaker Maker => maker;

    public StatusCode Find(UaSession session, NodeIdView node, out IEventNotifier? notifier)
    {
        notifier = null;
        if (SessionSpaces.Find(session) is not { } space)
            return StatusCodes.BadNodeIdUnknown;
        var status = space.Find(node, out var found);
        if (!status.IsGood)
            return status;
        if (space.Space.ClassOf(found) is not (NodeClass.Object or NodeClass.View))
            return StatusCodes.BadAttributeIdInvalid;
        if (!space.Space.IsNotifier(found))
            return StatusCodes.BadNotSupported;
        notifier = new SpaceNotifier(space.Space, found);
        return StatusCodes.Good;
    }

    public void OnValues(TenantSpace space, DeviceNode device, IReadOnlyList<int> slots) { }

    public void OnModelChanged(TenantSpace space, IReadOnlyList<ModelChange> changes)
    {
        if (!space.Events.AreWatched)
            return;
        for (var first = 0; first < changes.Count; first += ChangesPerEvent)
        {
            var some = changes.Skip(first).Take(ChangesPerEvent).ToArray();
            var head = maker.OfServer(NodeIds.GeneralModelChangeEventType, "The address space has changed.", ModelChangeSeverity);
            space.Events.Raise(new ModelChangeEvent(head, space, some));
        }
    }

    public void OnStateChanged(TenantSpace space, DeviceNode device, DeviceState state)
    {
        if (!space.Events.AreWatched)
            return;
        var (message, severity) =
            state == DeviceState.Enabled
                ? ("The device is enabled: it may connect.", EnabledSeverity)
                : ("The device is disabled: it may not connect.", DisabledSeverity);
        space.Events.Raise(new UaEvent(maker.OfDevice(space, device, NodeIds.BaseEventType, 0, message, severity)));
    }
}
