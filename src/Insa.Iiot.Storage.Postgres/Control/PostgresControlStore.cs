using System.Text;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Control;

/// <summary>Records of the control plane.</summary>
internal sealed class PostgresControlStore(PostgresDatabase database) : IControlStore
{
    // Two commits that wait for each other's new keys: one of them was ended for the other.
    private const int Attempts = 4;

    public async ValueTask<ControlRecord?> FindAsync(
        ControlScope scope,
        string kind,
        string id,
        CancellationToken cancellationToken = default
    ) => First(await ReadAsync(scope, kind, "id = $2", [Parameter.Text(id)], cancellationToken).ConfigureAwait(false));

    public async ValueTask<ControlRecord?> FindByKeyAsync(
        ControlScope scope,
        string kind,
        string key,
        CancellationToken cancellationToken = default
    )
    {
        var of = ControlTables.Of(scope);
        var byKey = $"id = (select id from {of.Key} where {of.Scope} and kind = $1 and key = $2)";
        return First(await ReadAsync(scope, kind, byKey, [Parameter.Text(key)], cancellationToken).ConfigureAwait(false));
    }

    public async ValueTask<IReadOnlyList<ControlRecord>> ListAsync(
        ControlScope scope,
        string kind,
        string? after,
        int limit,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        NpgsqlParameter[] page = [Parameter.Text(after ?? ""), Parameter.Number(limit)];
        return await ReadAsync(scope, kind, "id > $2 order by id limit $3", page, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<ControlCounter>> ReadCountersAsync(
        TenantId tenant,
        CancellationToken cancellationToken = default
    ) =>
        await TenantBatch
            .ReadAsync(
                database,
                tenant,
                batch =>
                    batch.Add($"select name, used, most from iiot.control_counter where tenant_no = {TenantBatch.Number} order by name"),
                static rows => new ControlCounter(rows.GetString(0), rows.GetInt64(1), rows.IsDBNull(2) ? null : rows.GetInt64(2)),
                cancellationToken
            )
            .ConfigureAwait(false);

    public async ValueTask<ControlResult> CommitAsync(IReadOnlyList<ControlChange> changes, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        if (changes.Count == 0)
            throw new ArgumentException("There are no changes.", nameof(changes));
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await ControlBatch.CommitAsync(database, batch => AddAll(batch, changes), cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DeadlockDetected && attempt < Attempts)
            {
                // Again, now that the other is through.
            }
            catch (Exception e) when (PostgresErrors.IsOfStore(e))
            {
                throw PostgresErrors.ToStoreException(e);
            }
        }
    }

    private static ControlRecord? First(IReadOnlyList<ControlRecord> found) => found.Count > 0 ? found[0] : null;

    // In the same order everywhere, whatever the caller's: commits that meet then wait for each other in one direction only.
    private static void AddAll(ControlBatch batch, IReadOnlyList<ControlChange> changes)
    {
        foreach (var (place, change) in changes.Index().OrderBy(item => item.Item, ControlOrder.Instance))
            batch.Add(change, place);
    }

    /// <summary>Reads the records of a kind, $1, for which something else holds as well.</summary>
    private async Task<IReadOnlyList<ControlRecord>> ReadAsync(
        ControlScope scope,
        string kind,
        string predicate,
        NpgsqlParameter[] others,
        CancellationToken cancellationToken
    )
    {
        var of = ControlTables.Of(scope);
        var sql = $"select id, version, body::text from {of.Record} where {of.Scope} and kind = $1 and {predicate}";
        NpgsqlParameter[] parameters = [Parameter.Text(kind), .. others];
        ControlRecord Map(NpgsqlDataReader rows) =>
            new(scope, kind, rows.GetString(0), rows.GetInt64(1), Encoding.UTF8.GetBytes(rows.GetString(2)));

        if (!scope.IsPlatform)
            return await TenantBatch
                .ReadAsync(database, scope.Tenant, batch => batch.Add(sql, parameters), Map, cancellationToken)
                .ConfigureAwait(false);
        try
        {
            await database.ReadyAsync(cancellationToken).ConfigureAwait(false);
            var connection = await database.App.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var disposeConnection = connection.ConfigureAwait(false);
            var batch = new ControlBatch(connection);
            await using var disposeBatch = batch.ConfigureAwait(false);
            return await batch.ReadPlatformAsync(kind, sql, parameters, Map, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }
}
