namespace Insa.Iiot;

/// <summary>What a user may do for a tenant, as it was at one moment. Immutable.</summary>
public sealed class UserGrant
{
    /// <summary>Makes a grant.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="userId">The user's id, which stays when names change.</param>
    /// <param name="userName">The full user name, with the tenant, by which <see cref="IUserAuthenticator.FindAsync"/> finds it again.</param>
    /// <param name="version">Changes when what was proved before does not count any more, such as by another password.</param>
    /// <param name="permissions">The names of what may be done, such as <c>telemetry:read</c>.</param>
    public UserGrant(TenantId tenant, string userId, string userName, long version, IReadOnlySet<string> permissions)
    {
        ArgumentException.ThrowIfNullOrEmpty(userId);
        ArgumentException.ThrowIfNullOrEmpty(userName);
        ArgumentNullException.ThrowIfNull(permissions);
        if (!tenant.IsSpecified)
            throw new ArgumentException("A grant needs a tenant.", nameof(tenant));
        (Tenant, UserId, UserName, Version, Permissions) = (tenant, userId, userName, version, permissions);
    }

    /// <summary>The tenant. Never read from anything but the credential.</summary>
    public TenantId Tenant { get; }

    /// <summary>The user's id.</summary>
    public string UserId { get; }

    /// <summary>The full user name.</summary>
    public string UserName { get; }

    /// <summary>Another number says that what was proved before does not count any more.</summary>
    public long Version { get; }

    /// <summary>The names of what may be done.</summary>
    public IReadOnlySet<string> Permissions { get; }
}
