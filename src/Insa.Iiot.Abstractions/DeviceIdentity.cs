namespace Insa.Iiot;

/// <summary>Which device of which tenant.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Device">The device, in that tenant.</param>
public readonly record struct DeviceIdentity(TenantId Tenant, DeviceId Device);
