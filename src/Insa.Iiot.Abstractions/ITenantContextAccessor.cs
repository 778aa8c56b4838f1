namespace Insa.Iiot;

/// <summary>Finds the tenant of the current work. A tenant is never implicit: without one it throws.</summary>
public interface ITenantContextAccessor
{
    /// <summary>The current tenant.</summary>
    /// <exception cref="InvalidOperationException">The current work has no tenant.</exception>
    ITenantContext Current { get; }

    /// <summary>Does the work up to the result's disposal for a tenant. Scopes nest.</summary>
    /// <exception cref="InvalidOperationException">The current work is done for another tenant.</exception>
    IDisposable Begin(TenantId tenant);
}
