namespace Insa.Iiot.Tenancy;

/// <summary>A key with which a program works for a tenant.</summary>
/// <param name="Id">Names it within its tenant.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Permissions">What it may do.</param>
/// <param name="CreatedBy">The user who made it.</param>
/// <param name="CreatedAt">When, UTC.</param>
/// <param name="ExpiresAt">Until when it holds, UTC; <see langword="null"/> for no end.</param>
/// <param name="Version">Counts changes.</param>
public sealed record ApiKey(
    string Id,
    string Name,
    PermissionSet Permissions,
    string CreatedBy,
    DateTime CreatedAt,
    DateTime? ExpiresAt,
    long Version
);
