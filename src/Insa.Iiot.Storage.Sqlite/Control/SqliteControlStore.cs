using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Control;

/// <summary>Records of the control plane. The platform's own are those of tenant 0, which no tenant has.</summary>
internal sealed class SqliteControlStore(SqliteDatabase database) : IControlStore
{
    private const string OfScope = "scope = CASE WHEN $tenant IS NULL THEN 0 ELSE (SELECT id FROM tenant WHERE name = $tenant) END";

    private const string OfRecord = $"{OfScope} AND kind = $kind AND id = $id";

    public ValueTask<ControlRecord?> FindAsync(ControlScope scope, string kind, string id, CancellationToken cancellationToken = default) =>
        FindAsync(scope, kind, $"SELECT id, version, body FROM control_record WHERE {OfRecord}", "$id", id);

    public ValueTask<ControlRecord?> FindByKeyAsync(
        ControlScope scope,
        string kind,
        string key,
        CancellationToken cancellationToken = default
    ) =>
        FindAsync(
            scope,
            kind,
            $"""
            SELECT r.id, r.version, r.body FROM control_key k JOIN control_record r USING (scope, kind, id)
            WHERE k.{OfScope} AND k.kind = $kind AND k.key = $key
            """,
            "$key",
            key
        );

    public ValueTask<IReadOnlyList<ControlRecord>> ListAsync(
        ControlScope scope,
        string kind,
        string? after,
        int limit,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        return ValueTask.FromResult(
            database.Read<IReadOnlyList<ControlRecord>>(connection =>
            {
                using var command = connection.CreateCommand();
                command.CommandText =
                    $"SELECT id, version, body FROM control_record WHERE {OfScope} AND kind = $kind AND id > $after ORDER BY id LIMIT $limit";
                Bind(command, scope, kind);
                command.Parameters.AddWithValue("$after", after ?? "");
                command.Parameters.AddWithValue("$limit", limit);
                var records = new List<ControlRecord>();
                using var rows = command.ExecuteReader();
                while (rows.Read())
                    records.Add(Read(rows, scope, kind));
                return records;
            })
        );
    }

    public ValueTask<IReadOnlyList<ControlCounter>> ReadCountersAsync(TenantId tenant, CancellationToken cancellationToken = default)
    {
        var name = tenant.Value;
        return ValueTask.FromResult(
            database.Read<IReadOnlyList<ControlCounter>>(connection =>
            {
                using var command = connection.CreateCommand();
                command.CommandText = $"SELECT name, used, most FROM control_counter WHERE {OfScope} ORDER BY name";
                command.Parameters.AddWithValue("$tenant", name);
                var counters = new List<ControlCounter>();
                using var rows = command.ExecuteReader();
                while (rows.Read())
                    counters.Add(new ControlCounter(rows.GetString(0), rows.GetInt64(1), rows.IsDBNull(2) ? null : rows.GetInt64(2)));
                return counters;
            })
        );
    }

    public ValueTask<ControlResult> CommitAsync(IReadOnlyList<ControlChange> changes, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        if (changes.Count == 0)
            throw new ArgumentException("There are no changes.", nameof(changes));
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(
            database.Write(connection =>
            {
                using var transaction = connection.BeginTransaction(deferred: false);
                for (var i = 0; i < changes.Count; i++)
                {
                    var outcome = Apply(connection, transaction, changes[i]);
                    if (outcome != ControlOutcome.Done)
                        return new ControlResult(outcome, i);
                }

                transaction.Commit();
                return ControlResult.Done;
            })
        );
    }

    /// <summary>Makes one change within a transaction, which the caller gives up if it was not <see cref="ControlOutcome.Done"/>.</summary>
    public static ControlOutcome Apply(SqliteConnection connection, SqliteTransaction transaction, ControlChange change)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        Bind(command, change.Scope, change.Kind);
        if (!change.Scope.IsPlatform)
            Execute(command, "INSERT OR IGNORE INTO tenant (name) VALUES ($tenant)");
        return change.Verb switch
        {
            ControlVerb.Count => Count(command, change),
            ControlVerb.Bound => Bound(command, change),
            _ => ApplyToRecord(command, change),
        };
    }

    private static ControlOutcome ApplyToRecord(SqliteCommand command, ControlChange change)
    {
        command.Parameters.AddWithValue("$id", change.Id);
        command.Parameters.AddWithValue("$version", change.Version);
        command.Parameters.AddWithValue("$body", change.Body.ToArray());
        if (change.Verb == ControlVerb.Expect)
        {
            command.CommandText = $"SELECT 1 FROM control_record WHERE {OfRecord} AND version = $version";
            return command.ExecuteScalar() is null ? ControlOutcome.Changed : ControlOutcome.Done;
        }

        var changed = Execute(
            command,
            change.Verb switch
            {
                ControlVerb.Insert => $"""
                INSERT OR IGNORE INTO control_record (scope, kind, id, version, body)
                VALUES (CASE WHEN $tenant IS NULL THEN 0 ELSE (SELECT id FROM tenant WHERE name = $tenant) END, $kind, $id, 1, $body)
                """,
                ControlVerb.Replace =>
                    $"UPDATE control_record SET version = version + 1, body = $body WHERE {OfRecord} AND version = $version",
                _ => $"DELETE FROM control_record WHERE {OfRecord} AND version = $version",
            }
        );
        if (changed == 0)
            return change.Verb == ControlVerb.Insert ? ControlOutcome.Exists : ControlOutcome.Changed;
        if (change.Verb == ControlVerb.Replace)
            Execute(command, $"DELETE FROM control_key WHERE {OfRecord}");
        return change.Keys.All(key => TryAddKey(command, key)) ? ControlOutcome.Done : ControlOutcome.Exists;
    }

    private static bool TryAddKey(SqliteCommand command, string key)
    {
        if (command.Parameters.Contains("$key"))
            command.Parameters.RemoveAt("$key");
        command.Parameters.AddWithValue("$key", key);
        return Execute(
                command,
                $"INSERT OR IGNORE INTO control_key (scope, kind, key, id) SELECT scope, kind, $key, id FROM control_record WHERE {OfRecord}"
            ) > 0;
    }

    private static ControlOutcome Count(SqliteCommand command, ControlChange change)
    {
        command.Parameters.AddWithValue("$amount", change.Amount);
        Execute(command, "INSERT OR IGNORE INTO control_counter (scope, name) SELECT id, $kind FROM tenant WHERE name = $tenant");
        var changed = Execute(
            command,
            $"""
            UPDATE control_counter SET used = used + $amount WHERE {OfScope} AND name = $kind
              AND ($amount <= 0 OR most IS NULL OR used + $amount <= most) AND ($amount >= 0 OR used + $amount >= least)
            """
        );
        return changed > 0 ? ControlOutcome.Done
            : change.Amount > 0 ? ControlOutcome.Full
            : ControlOutcome.Empty;
    }

    private static ControlOutcome Bound(SqliteCommand command, ControlChange change)
    {
        command.Parameters.AddWithValue("$least", change.Least ?? 0);
        command.Parameters.AddWithValue("$most", (object?)change.Most ?? DBNull.Value);
        Execute(
            command,
            """
            INSERT INTO control_counter (scope, name, least, most) SELECT id, $kind, $least, $most FROM tenant WHERE name = $tenant
            ON CONFLICT (scope, name) DO UPDATE SET least = excluded.least, most = excluded.most
            """
        );
        return ControlOutcome.Done;
    }

    private ValueTask<ControlRecord?> FindAsync(ControlScope scope, string kind, string sql, string parameter, string value) =>
        ValueTask.FromResult(
            database.Read(connection =>
            {
                using var command = connection.CreateCommand();
                command.CommandText = sql;
                Bind(command, scope, kind);
                command.Parameters.AddWithValue(parameter, value);
                using var rows = command.ExecuteReader();
                return rows.Read() ? Read(rows, scope, kind) : null;
            })
        );

    private static ControlRecord Read(SqliteDataReader rows, ControlScope scope, string kind) =>
        new(scope, kind, rows.GetString(0), rows.GetInt64(1), rows.GetFieldValue<byte[]>(2));

    private static int Execute(SqliteCommand command, string sql)
    {
        command.CommandText = sql;
        return command.ExecuteNonQuery();
    }

    private static void Bind(SqliteCommand command, ControlScope scope, string kind)
    {
        command.Parameters.AddWithValue("$tenant", scope.IsPlatform ? DBNull.Value : scope.Tenant.Value);
        command.Parameters.AddWithValue("$kind", kind);
    }
}
