namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Tells several listeners.</summary>
internal sealed class SpaceListeners(ISpaceListener[] listeners) : ISpaceListener
{
    public void OnValues(TenantSpace space, DeviceNode device, IReadOnlyList<int> slots)
    {
        foreach (var listener in listeners)
            listener.OnValues(space, device, slots);
    }

    public void OnModelChanged(TenantSpace space, IReadOnlyList<ModelChange> changes)
    {
        foreach (var listener in listeners)
            listener.OnModelChanged(space, changes);
    }

    public void OnStateChanged(TenantSpace space, DeviceNode device, DeviceState state)
    {
        foreach (var listener in listeners)
            listener.OnStateChanged(space, device, state);
    }
}
