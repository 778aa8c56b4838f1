using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Erasure;

/// <summary>A table that holds rows of tenants.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Key">The columns of its primary key.</param>
/// <param name="OfTenant">Which rows are of the tenant <c>$tenant</c>.</param>
internal sealed record TenantTable(string Name, IReadOnlyList<string> Key, string OfTenant)
{
    /// <summary>The tenants themselves.</summary>
    public const string Tenants = "tenant";

    // What counts for the file as a whole.
    private static readonly string[] Common = [Tenants, "meta", "telemetry_open"];

    /// <summary>Asks the schema for them, so that a table which is added later is not forgotten: those whose rows are known by other tables first.</summary>
    public static List<TenantTable> FindAll(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT s.name, c.name, c.pk, (SELECT f."table" FROM pragma_foreign_key_list(s.name) f WHERE f."from" = c.name)
            FROM sqlite_schema s, pragma_table_info(s.name) c WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite_%' ORDER BY s.name, c.pk, c.cid
            """;
        using var rows = command.ExecuteReader();
        var columns = new List<(string Table, string Name, long Key, string? Refers)>();
        while (rows.Read())
            columns.Add((rows.GetString(0), rows.GetString(1), rows.GetInt64(2), rows.IsDBNull(3) ? null : rows.GetString(3)));
        return
        [
            .. columns
                .GroupBy(column => column.Table, StringComparer.Ordinal)
                .Where(table => !Common.Contains(table.Key))
                .Select(table =>
                {
                    var key = table.Where(column => column.Key > 0).Select(column => column.Name).ToList();
                    return new TenantTable(table.Key, key, Predicate(table.Key, table.ToDictionary(c => c.Name, c => c.Refers)));
                })
                .OrderBy(table => table.OfTenant.EndsWith(')') ? 0 : 1)
                .ThenBy(table => table.Name, StringComparer.Ordinal),
        ];
    }

    private static string Predicate(string table, Dictionary<string, string?> columns)
    {
        if (columns.ContainsKey("tenant"))
            return "tenant = $tenant";
        if (columns.ContainsKey("scope"))
            return "scope = $tenant";
        if (columns.TryGetValue("device", out var refers))
            return $"device IN (SELECT id FROM {refers ?? "telemetry_device"} WHERE tenant = $tenant)";
        throw new InvalidOperationException($"Whose the rows of {table} are is not known.");
    }
}
