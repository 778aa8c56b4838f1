using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Erasure;

/// <summary>Deletes tenants.</summary>
/// <remarks>
/// First of all the tenant gets a name that is none, <c>!</c>number<c>!</c>name, in the transaction that tells writers to forget the numbers they know:
/// from then on nobody adds to it.
/// </remarks>
[SuppressMessage("Security", "CA2100", Justification = "The texts are made of constants and of names in the schema.")]
internal sealed class SqliteTenantEraser(SqliteDatabase database) : ITenantEraser
{
    /// <summary>Whether <c>name</c> is of a tenant whose erasure has begun.</summary>
    public const string IsErased = "substr(name, 1, 1) = '!'";

    private const string ErasedName = "'!' || id || '!' || $name";
    private const int RowsPerStep = 2000;

    public Task<TenantErasure> EraseAsync(
        TenantId tenant,
        IProgress<TenantRows>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var name = tenant.Value; // throws for default
        return Task.Run(
            () =>
            {
                var deleted = new SortedDictionary<string, long>(StringComparer.Ordinal);
                void Report(string table, int rows)
                {
                    deleted[table] = deleted.GetValueOrDefault(table) + rows;
                    progress?.Report(new TenantRows(table, rows));
                }

                Begin(name);
                foreach (var id in FindNumbers(name, $"name = {ErasedName}"))
                    Erase(id, Report, cancellationToken);
                return new TenantErasure(IsHeld: false, [.. deleted.Select(table => new TenantRows(table.Key, table.Value))]);
            },
            cancellationToken
        );
    }

    public Task<IReadOnlyList<TenantRows>> CountAsync(TenantId tenant, CancellationToken cancellationToken = default)
    {
        var name = tenant.Value;
        return Task.Run<IReadOnlyList<TenantRows>>(
            () =>
            {
                var ids = FindNumbers(name, $"name = $name OR name = {ErasedName}");
                return database.Read<IReadOnlyList<TenantRows>>(connection =>
                    [
                        .. TenantTable
                            .FindAll(connection)
                            .Select(table => new TenantRows(table.Name, ids.Sum(id => Count(connection, table, id, cancellationToken))))
                            .OrderBy(table => table.Table, StringComparer.Ordinal),
                        new TenantRows(TenantTable.Tenants, ids.Count),
                    ]
                );
            },
            cancellationToken
        );
    }

    private void Begin(string name) =>
        database.Transact(command =>
        {
            command.CommandText = $"""
                UPDATE tenant SET name = {ErasedName} WHERE name = $name;
                UPDATE meta SET value = value + changes() WHERE key = 'erasures'
                """;
            command.Parameters.AddWithValue("$name", name);
            return command.ExecuteNonQuery();
        });

    private List<long> FindNumbers(string name, string predicate) =>
        database.Read(connection =>
        {
            using var command = connection.CreateCommand();
            command.CommandText = $"SELECT id FROM tenant WHERE {predicate} ORDER BY id";
            command.Parameters.AddWithValue("$name", name);
            var ids = new List<long>();
            using var rows = command.ExecuteReader();
            while (rows.Read())
                ids.Add(rows.GetInt64(0));
            return ids;
        });

    private void Erase(long id, Action<string, int> report, CancellationToken cancellationToken)
    {
        var tables = database.Read(TenantTable.FindAll);
        foreach (var table in tables)
        {
            object[]? last = null;
            List<object[]> page;
            do
            {
                cancellationToken.ThrowIfCancellationRequested();

                // Read beside the writer: between two frames of the tenant may be very many of others.
                page = database.Read(connection => ReadKeys(connection, table, id, last));
                if (page.Count == 0)
                    break;
                var rows = database.Transact(command => Delete(command, table, page));
                report(table.Name, rows);
                last = page[^1];
            } while (page.Count == RowsPerStep);
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (database.Transact(command => DeleteTenant(command, tables, id)) > 0)
            report(TenantTable.Tenants, 1);
    }

    private static List<object[]> ReadKeys(SqliteConnection connection, TenantTable table, long id, object[]? last)
    {
        var key = string.Join(", ", table.Key);
        using var command = connection.CreateCommand();
        command.CommandText =
            $"SELECT {key} FROM {table.Name} WHERE {table.OfTenant} {(last is null ? "" : $"AND ({key}) > ({Parameters(table)})")} ORDER BY {key} LIMIT {RowsPerStep}";
        command.Parameters.AddWithValue("$tenant", id);
        Bind(command, last ?? []);
        var page = new List<object[]>();
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            var values = new object[table.Key.Count];
            rows.GetValues(values);
            page.Add(values);
        }

        return page;
    }

    private static int Delete(SqliteCommand command, TenantTable table, List<object[]> keys)
    {
        command.CommandText = $"DELETE FROM {table.Name} WHERE ({string.Join(", ", table.Key)}) = ({Parameters(table)})";
        var deleted = 0;
        foreach (var key in keys)
        {
            command.Parameters.Clear();
            Bind(command, key);
            deleted += command.ExecuteNonQuery();
        }

        return deleted;
    }

    // Of frames all were passed over; to look again would be to read the whole table while everybody who writes waits.
    private static int DeleteTenant(SqliteCommand command, List<TenantTable> tables, long id)
    {
        command.Parameters.AddWithValue("$tenant", id);
        foreach (var table in tables.Where(table => table.Name != "telemetry_frame"))
        {
            command.CommandText = $"SELECT EXISTS (SELECT 1 FROM {table.Name} WHERE {table.OfTenant})";
            if ((long)command.ExecuteScalar()! != 0)
                throw new TelemetryStoreException($"Rows of the tenant came to {table.Name} meanwhile: erase it again.", isTransient: true);
        }

        command.CommandText = $"DELETE FROM tenant WHERE id = $tenant AND {IsErased}";
        return command.ExecuteNonQuery();
    }

    private static long Count(SqliteConnection connection, TenantTable table, long id, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT count(*) FROM {table.Name} WHERE {table.OfTenant}";
        command.Parameters.AddWithValue("$tenant", id);
        return (long)command.ExecuteScalar()!;
    }

    private static string Parameters(TenantTable table) => string.Join(", ", table.Key.Select((_, place) => $"$key{place}"));

    private static void Bind(SqliteCommand command, object[] key)
    {
        for (var i = 0; i < key.Length; i++)
            command.Parameters.AddWithValue($"$key{i}", key[i]);
    }
}
