using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>
/// Measures what the rows of all tenants take, one partition after another, each in a statement of its own: none is long enough to keep much from being
/// vacuumed. What is stored out of line is not read, only how long it is.
/// </summary>
internal sealed class PostgresStorageMeter(PostgresDatabase database) : ITelemetryStorageMeter
{
    // Of a row: 24 bytes of header and 4 for its place in the page, the fixed columns as they are aligned, and what varies as it is stored.
    private static readonly (string Table, string Key, string Bytes)[] Tables =
    [
        ("telemetry_frame", "ts", "52 + pg_column_size(vals) + coalesce(pg_column_size(extra), 0)"),
        ("telemetry_chunk", "t0", "116 + pg_column_size(d)"),
        ("rollup_minute", "hour", "52 + pg_column_size(minutes)"),
        ("rollup_hour", "bucket", "124"),
        ("rollup_day", "bucket", "124"),
    ];

    public async ValueTask<IReadOnlyList<TenantBytes>> MeasureAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await database.ReadyAsync(cancellationToken).ConfigureAwait(false);
            var connection = await database.Jobs.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var disposeConnection = connection.ConfigureAwait(false);
            var sums = new Dictionary<int, long>();
            foreach (var (table, key, bytes) in Tables)
            {
                var parts = await ReadAsync(
                        connection,
                        "select starts, ends from iiot_data.partitions($1::regclass) where bytes > 0",
                        static rows => (Starts: rows.GetDateTime(0), Ends: rows.GetDateTime(1)),
                        cancellationToken,
                        Parameter.Text($"iiot_data.{table}")
                    )
                    .ConfigureAwait(false);
                var sql =
                    $"select tenant_no, sum({bytes})::bigint from iiot_data.{table} where {key} >= $1 and {key} < $2 group by tenant_no";
                foreach (var (starts, ends) in parts)
                {
                    var ofTenants = await ReadAsync(
                            connection,
                            sql,
                            static rows => (Number: rows.GetInt32(0), Bytes: rows.GetInt64(1)),
                            cancellationToken,
                            Parameter.Time(starts),
                            Parameter.Time(ends)
                        )
                        .ConfigureAwait(false);
                    foreach (var (number, sum) in ofTenants)
                        sums[number] = sums.GetValueOrDefault(number) + sum;
                }
            }

            // One whose erasure has begun has no name any more.
            var named = await ReadAsync(
                    connection,
                    "select tenant_no, name from iiot.tenant where name is not null and tenant_no = any ($1)",
                    static rows => (Number: rows.GetInt32(0), Name: rows.GetString(1)),
                    cancellationToken,
                    Parameter.Numbers([.. sums.Keys])
                )
                .ConfigureAwait(false);
            return [.. named.Select(tenant => new TenantBytes(TenantId.Parse(tenant.Name), sums[tenant.Number]))];
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw PostgresErrors.ToStoreException(e);
        }
    }

    // A partition may take longer than any query does.
    private static async Task<List<T>> ReadAsync<T>(
        NpgsqlConnection connection,
        string sql,
        Func<NpgsqlDataReader, T> map,
        CancellationToken cancellationToken,
        params NpgsqlParameter[] parameters
    )
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.AddRange(parameters);
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var all = new List<T>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            all.Add(map(rows));
        return all;
    }
}
