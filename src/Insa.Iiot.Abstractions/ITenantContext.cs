namespace Insa.Iiot;

/// <summary>The tenant that the current work is done for.</summary>
public interface ITenantContext
{
    /// <summary>The tenant.</summary>
    TenantId Tenant { get; }
}
