namespace Insa.Iiot.Tenancy;

/// <summary>A person, who may be a member of several tenants.</summary>
/// <param name="Id">Names the person: a version 7 UUID.</param>
/// <param name="Email">The address to sign in with, in lower case.</param>
/// <param name="DisplayName">What people call the person.</param>
/// <param name="Tenants">The tenants that the person is a member of.</param>
/// <param name="Version">Counts changes, of the password and of memberships too.</param>
public sealed record UserAccount(string Id, string Email, string DisplayName, IReadOnlyList<TenantId> Tenants, long Version)
{
    /// <summary>Whether the person operates the platform: makes tenants, suspends them, and has no rights within them by that alone.</summary>
    public bool IsOperator { get; init; }

    /// <summary>Counts what ends all sessions of the person: see <see cref="UserSessions.CloseAllAsync"/>.</summary>
    public long TokenVersion { get; init; }
}
