using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>The server object, or an object of a tenant's space, as a notifier.</summary>
internal sealed class SpaceNotifier(TenantSpace space, NodeHandle node) : IEventNotifier
{
    private SpaceUser? _user;

    public void Watch(IEventWatcher watcher) => space.Events.Add(this, watcher);

    public void Unwatch(IEventWatcher watcher) => space.Events.Remove(watcher);

    /// <summary>Whether there is such an event here: the server has all, a device its own, and what lies between those of all devices.</summary>
    public bool Has(UaEvent e) =>
        node.Kind switch
        {
            NodeKind.Standard => true,
            NodeKind.Tenant => e.Device is not null,
            _ => ReferenceEquals(e.Device, node.Device),
        };

    public UaEvent? See(UaEvent e, SessionIdentity identity)
    {
        if (!Has(e) || identity.Tenant != space.Tenant)
            return null;
        var user = _user;
        if (user is null || !ReferenceEquals(user.Identity, identity))
            _user = user = new SpaceUser(identity);
        return e.SeenBy(user);
    }
}
