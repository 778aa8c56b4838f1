namespace Insa.Iiot.Storage.Postgres.Erasure;

/// <summary>What an erasure has deleted so far.</summary>
internal sealed class ErasedRows(IProgress<TenantRows>? progress)
{
    private readonly SortedDictionary<string, long> _tables = new(StringComparer.Ordinal);

    public void Add(string table, long rows)
    {
        if (rows == 0)
            return;
        _tables[table] = _tables.GetValueOrDefault(table) + rows;
        progress?.Report(new TenantRows(table, rows));
    }

    public TenantErasure ToErasure(bool isHeld) => new(isHeld, [.. _tables.Select(table => new TenantRows(table.Key, table.Value))]);
}
