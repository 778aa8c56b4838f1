using Insa.Iiot.Protocols.OpcUa.AddressSpace;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>The server object, or an object of a tenant's space, as a notifier.</summary>
internal sealed class SpaceNotifier(SessionSpace space, NodeHandle node) : IEventNotifier
{
    public void Watch(IEventWatcher watcher) => space.Space.Events.Add(this, watcher);

    public void Unwatch(IEventWatcher watcher) => space.Space.Events.Remove(watcher);

    public UaEvent? See(UaEvent e) => Has(e) ? e.SeenBy(space.User) : null;

    // The server has all, a device its own, and what lies between those of all devices.
    private bool Has(UaEvent e) =>
        node.Kind switch
        {
            NodeKind.Standard => true,
            NodeKind.Tenant => e.Device is not null,
            _ => ReferenceEquals(e.Device, node.Device),
        };
}
