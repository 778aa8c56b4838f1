namespace Insa.Iiot;

/// <summary>What came of an erasure.</summary>
/// <param name="IsHeld">Whether a legal hold of the tenant stands, and nothing was deleted.</param>
/// <param name="Deleted">What was deleted of each table, by name (ordinal); what was deleted together with other rows may not be counted.</param>
public sealed record TenantErasure(bool IsHeld, IReadOnlyList<TenantRows> Deleted);
