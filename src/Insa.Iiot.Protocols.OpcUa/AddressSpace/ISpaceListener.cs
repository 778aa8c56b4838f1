namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Hears what changes in a tenant's space. Called by whoever brings the change, one at a time for a device; must return soon and not throw.</summary>
internal interface ISpaceListener
{
    /// <summary>Metrics of a device have new values.</summary>
    void OnValues(TenantSpace space, DeviceNode device, IReadOnlyList<int> slots);

    /// <summary>Nodes came, went or changed.</summary>
    void OnModelChanged(TenantSpace space, IReadOnlyList<ModelChange> changes);

    /// <summary>A device was enabled or disabled.</summary>
    void OnStateChanged(TenantSpace space, DeviceNode device, DeviceState state);
}
