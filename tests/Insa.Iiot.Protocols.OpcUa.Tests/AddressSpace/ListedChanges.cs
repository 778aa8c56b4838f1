using Insa.Iiot.Protocols.OpcUa.AddressSpace;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

/// <summary>Keeps what changed, as text.</summary>
internal sealed class ListedChanges : ISpaceListener
{
    public List<string> Changes { get; } = [];

    public void OnValues(TenantSpace space, DeviceNode device, IReadOnlyList<int> slots) { }

    public void OnModelChanged(TenantSpace space, IReadOnlyList<ModelChange> changes) =>
        Changes.AddRange(changes.Select(change => $"{space.Tenant} {space.IdOf(change.Affected)} {change.Verb}"));

    public void OnStateChanged(TenantSpace space, DeviceNode device, DeviceState state) =>
        Changes.Add($"{space.Tenant} {device.Id} {state}");
}
