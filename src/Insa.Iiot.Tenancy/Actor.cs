namespace Insa.Iiot.Tenancy;

/// <summary>Who does something within a tenant: nobody grants what he does not hold.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Permissions">What the user may do within the tenant: see <see cref="TenantMembers.GetPermissionsAsync"/>.</param>
public sealed record Actor(string UserId, PermissionSet Permissions)
{
    /// <summary>The platform itself, which may do everything: for first starts and operators.</summary>
    public static Actor Platform { get; } = new("platform", PermissionSet.All);
}
