using Insa.Iiot.Storage.Postgres.Jobs;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Erasure;

/// <summary>Deletes tenants: the application asks for it, which must know the name, and jobs delete what was asked for.</summary>
/// <remarks>
/// Compaction and retention are at work on the same tables: like them it deletes over the connection whose session holds their lock, and gives that back
/// every few seconds.
/// </remarks>
internal sealed class PostgresTenantEraser(PostgresDatabase database, TimeProvider time) : ITenantEraser
{
    private const string Tenants = "iiot.tenant";
    private const int RowsPerStep = 5000;
    private const int MostPasses = 5;
    private const int LockAttempts = 150;
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MostHeld = TimeSpan.FromSeconds(3);

    public async Task<TenantErasure> EraseAsync(
        TenantId tenant,
        IProgress<TenantRows>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        await RequestAsync(tenant, isRequested: true, cancellationToken).ConfigureAwait(false);
        try
        {
            var erased = new ErasedRows(progress);
            var numbers = await FindAsync(tenant, "name = $1 and erase_requested_at is not null", cancellationToken).ConfigureAwait(false);
            foreach (var number in numbers)
            {
                if (!await BeginAsync(number, cancellationToken).ConfigureAwait(false))
                {
                    await RequestAsync(tenant, isRequested: false, cancellationToken).ConfigureAwait(false);
                    return erased.ToErasure(isHeld: true);
                }
            }

            // Also those of which an earlier call has left something.
            foreach (var number in await FindAsync(tenant, "erased_name = $1", cancellationToken).ConfigureAwait(false))
                await EraseAsync(number, erased, cancellationToken).ConfigureAwait(false);
            return erased.ToErasure(isHeld: false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw PostgresErrors.ToStoreException(e);
        }
    }

    public async Task<IReadOnlyList<TenantRows>> CountAsync(TenantId tenant, CancellationToken cancellationToken = default)
    {
        _ = tenant.Value; // throws for default
        try
        {
            await database.ReadyAsync(cancellationToken).ConfigureAwait(false);
            var numbers = await FindAsync(tenant, "name = $1 or erased_name = $1", cancellationToken).ConfigureAwait(false);
            var connection = await database.Jobs.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var disposeConnection = connection.ConfigureAwait(false);
            var command = Command(
                """
                select x.of_table::text, coalesce(sum((select sum(iiot_data.count_rows(n, x.relation)) from unnest($1) n)), 0)::bigint
                from iiot_data.tenant_tables() x group by x.of_table order by x.of_table::text collate "C"
                """,
                connection
            );
            await using var disposeCommand = command.ConfigureAwait(false);
            command.Parameters.Add(Parameter.Numbers([.. numbers]));
            var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using var disposeRows = rows.ConfigureAwait(false);
            var counts = new List<TenantRows>();
            while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
                counts.Add(new TenantRows(rows.GetString(0), rows.GetInt64(1)));
            counts.Add(new TenantRows(Tenants, numbers.Count));
            return counts;
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    private Task<int> RequestAsync(TenantId tenant, bool isRequested, CancellationToken cancellationToken) =>
        TenantBatch.RunAsync(
            database,
            tenant,
            batch =>
                batch.Add(
                    $"update iiot.tenant set erase_requested_at = case when $1 then now() end where tenant_no = {TenantBatch.Number}",
                    Parameter.Flag(isRequested)
                ),
            cancellationToken
        );

    private async Task<List<int>> FindAsync(TenantId tenant, string predicate, CancellationToken cancellationToken)
    {
        var connection = await database.Jobs.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeConnection = connection.ConfigureAwait(false);
        var command = Command($"select tenant_no from iiot.tenant where {predicate} order by 1", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Text(tenant.Value));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var numbers = new List<int>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            numbers.Add(rows.GetInt32(0));
        return numbers;
    }

    private async Task<bool> BeginAsync(int number, CancellationToken cancellationToken)
    {
        var connection = await database.Jobs.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeConnection = connection.ConfigureAwait(false);
        return await PatientLock
                .TryAsync<bool?>(
                    async _ =>
                        (bool)
                            (
                                await ScalarAsync(
                                        connection,
                                        "select iiot_data.begin_erasure($1)",
                                        [Parameter.Number(number)],
                                        cancellationToken
                                    )
                                    .ConfigureAwait(false)
                            )!,
                    otherwise: null,
                    time,
                    cancellationToken
                )
                .ConfigureAwait(false)
            ?? throw new TelemetryStoreException("There was no moment without a write under way: erase again.", isTransient: true);
    }

    private async Task EraseAsync(int number, ErasedRows erased, CancellationToken cancellationToken)
    {
        for (var pass = 0; pass < MostPasses; pass++)
        {
            await EraseTablesAsync(number, erased, cancellationToken).ConfigureAwait(false);
            if (await FinishAsync(number, cancellationToken).ConfigureAwait(false))
            {
                erased.Add(Tenants, 1);
                return;
            }
        }

        throw new TelemetryStoreException("Work that was under way kept adding rows of the tenant: erase again.", isTransient: true);
    }

    private async Task EraseTablesAsync(int number, ErasedRows erased, CancellationToken cancellationToken)
    {
        List<ErasureTable>? tables = null;
        for (var next = 0; tables is null || next < tables.Count; )
        {
            var held = await TakeAsync(SessionLock.Maintenance, cancellationToken).ConfigureAwait(false);
            await using var disposeHeld = held.ConfigureAwait(false);
            tables ??= await ListTablesAsync(held.Connection, cancellationToken).ConfigureAwait(false);
            for (var start = time.GetTimestamp(); next < tables.Count && time.GetElapsedTime(start) < MostHeld; )
            {
                cancellationToken.ThrowIfCancellationRequested();
                var rows = await EraseRowsAsync(held.Connection, number, tables[next], cancellationToken).ConfigureAwait(false);
                erased.Add(tables[next].Table, rows);
                if (rows < RowsPerStep)
                    next++;
            }
        }
    }

    // A partition that was dropped since it was listed has no rows.
    private static async Task<long> EraseRowsAsync(
        NpgsqlConnection connection,
        int number,
        ErasureTable table,
        CancellationToken cancellationToken
    )
    {
        var relation = new NpgsqlParameter { Value = table.RelationNo, NpgsqlDbType = NpgsqlDbType.Oid };
        const string Sql =
            "select case when exists (select from pg_class where oid = $2) then iiot_data.erase_rows($1, $2::regclass, $3) else 0 end";
        return (long)
            (
                await ScalarAsync(connection, Sql, [Parameter.Number(number), relation, Parameter.Number(RowsPerStep)], cancellationToken)
                    .ConfigureAwait(false)
            )!;
    }

    // Alone: neither rollups nor chunks are made of what was read before it was deleted.
    private async Task<bool> FinishAsync(int number, CancellationToken cancellationToken)
    {
        var rollups = await TakeAsync(SessionLock.Rollups, cancellationToken).ConfigureAwait(false);
        await using var disposeRollups = rollups.ConfigureAwait(false);
        var held = await TakeAsync(SessionLock.Maintenance, cancellationToken).ConfigureAwait(false);
        await using var disposeHeld = held.ConfigureAwait(false);
        try
        {
            const string Sql = "select iiot_data.finish_erasure($1)";
            return (bool)(await ScalarAsync(held.Connection, Sql, [Parameter.Number(number)], cancellationToken).ConfigureAwait(false))!;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            // Somebody who knew the tenant's number added to it in this moment.
            return false;
        }
    }

    private async Task<SessionLock> TakeAsync(long number, CancellationToken cancellationToken)
    {
        for (var attempt = 1; attempt <= LockAttempts; attempt++)
        {
            if (await SessionLock.TryTakeAsync(database, number, cancellationToken).ConfigureAwait(false) is { } taken)
                return taken;
            await Task.Delay(LockPause, time, cancellationToken).ConfigureAwait(false);
        }

        throw new TelemetryStoreException("Other background work did not come to an end: erase again.", isTransient: true);
    }

    private static async Task<List<ErasureTable>> ListTablesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var command = Command("select relation::oid, of_table::text from iiot_data.tenant_tables()", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var tables = new List<ErasureTable>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            tables.Add(new ErasureTable(rows.GetFieldValue<uint>(0), rows.GetString(1)));
        return tables;
    }

    private static async Task<object?> ScalarAsync(
        NpgsqlConnection connection,
        string sql,
        NpgsqlParameter[] parameters,
        CancellationToken cancellationToken
    )
    {
        var command = Command(sql, connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
    }

    // Deleting and counting may take longer than any query does.
    private static NpgsqlCommand Command(string sql, NpgsqlConnection connection) => new(sql, connection) { CommandTimeout = 0 };
}
