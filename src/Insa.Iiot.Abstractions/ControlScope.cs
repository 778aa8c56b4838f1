namespace Insa.Iiot;

/// <summary>Whose a record of the control plane is: a tenant's, or the platform's own.</summary>
public readonly record struct ControlScope
{
    private readonly TenantId? _tenant;

    private ControlScope(TenantId tenant) => _tenant = tenant;

    /// <summary>The platform's own records: users, sessions, signing keys.</summary>
    public static ControlScope Platform => default;

    /// <summary>Whether it is no tenant's.</summary>
    public bool IsPlatform => _tenant is null;

    /// <summary>The tenant.</summary>
    /// <exception cref="InvalidOperationException">This is the platform's scope.</exception>
    public TenantId Tenant => _tenant ?? throw new InvalidOperationException("The platform's records are no tenant's.");

    /// <summary>A tenant's records.</summary>
    public static ControlScope Of(TenantId tenant)
    {
        _ = tenant.Value; // throws for default
        return new ControlScope(tenant);
    }

    /// <returns>The tenant's id, or an empty string for the platform's scope.</returns>
    public override string ToString() => _tenant?.Value ?? "";
}
