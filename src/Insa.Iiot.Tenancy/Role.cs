namespace Insa.Iiot.Tenancy;

/// <summary>A role: what its holders may do within the tenant.</summary>
/// <param name="Id">Names it within the tenant. Built-in roles are <c>admin</c>, <c>engineer</c>, <c>operator</c> and <c>viewer</c>.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Permissions">What it permits.</param>
/// <param name="Version">Counts changes; 0 for a built-in role, which never changes.</param>
public sealed record Role(string Id, string Name, PermissionSet Permissions, long Version)
{
    /// <summary>The id of the role that permits everything.</summary>
    public const string Admin = "admin";

    /// <summary>Whether every tenant has it.</summary>
    public bool IsBuiltIn => Version == 0;
}
