namespace Insa.Iiot.Tenancy;

/// <summary>A user's membership of a tenant.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Roles">The ids of the roles that the user holds.</param>
/// <param name="Since">Since when, UTC.</param>
/// <param name="Version">Counts changes.</param>
public sealed record Member(string UserId, IReadOnlyList<string> Roles, DateTime Since, long Version);
