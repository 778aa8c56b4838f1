namespace Insa.Iiot;

/// <summary>Rows of a tenant in one of a store's tables.</summary>
/// <param name="Table">The table's name; a store's own.</param>
/// <param name="Rows">How many rows.</param>
public readonly record struct TenantRows(string Table, long Rows);
