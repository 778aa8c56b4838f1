namespace Insa.Iiot;

/// <summary>How much room a tenant's telemetry takes.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Bytes">The bytes.</param>
public readonly record struct TenantBytes(TenantId Tenant, long Bytes);
