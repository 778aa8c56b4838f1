namespace Insa.Iiot.Tenancy.Access;

/// <summary>What somebody may do, as it was at one moment. Immutable.</summary>
internal sealed class AccessGrant
{
    public required AccessKey Key { get; init; }

    /// <summary>The tenant that is worked for, if there is one.</summary>
    public Tenant? Tenant { get; init; }

    /// <summary>Whether the subject belongs there: a member, one of the tenant's programs, or who administers a tenant above.</summary>
    public bool BelongsToTenant { get; init; }

    /// <summary>What may be done within the tenant.</summary>
    public PermissionSet Permissions { get; init; }

    /// <summary>The roles that give it; none for an API key, and for who acts from above.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [];

    /// <summary>The tenant above whose administrator acts here, without being a member.</summary>
    public TenantId? ActsFrom { get; init; }

    /// <summary>The user; <see langword="null"/> for an API key.</summary>
    public UserAccount? User { get; init; }

    /// <summary>The API key; <see langword="null"/> for a user.</summary>
    public ApiKey? ApiKey { get; init; }

    /// <summary>When it was read, as <see cref="TimeProvider.GetTimestamp"/> has it.</summary>
    public required long ReadAt { get; init; }

    /// <summary>What a host has made of it for its own use: kept as long as this is.</summary>
    public object? Made { get; set; }
}
