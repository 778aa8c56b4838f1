using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Deletes what was set aside because it cannot be read, once none of its metrics is kept so long and no hold touches it.</summary>
internal sealed class QuarantineDeletes(NpgsqlConnection connection, PostgresStorageOptions options, DateTime now)
{
    private const string Due = """
        exists (select from iiot.tenant t where t.tenant_no = q.tenant_no and t.name is not null)
        and not exists (
          select from unnest(q.metric_nos) m (no)
          join iiot.telemetry_metric x on x.tenant_no = q.tenant_no and x.metric_no = m.no
          cross join lateral (select iiot_data.keep(x.tenant_no, x.name, 'raw', $1) as keep) k
          where k.keep is null or q.ends > $2 - k.keep or iiot_data.is_held(q.tenant_no, q.device_no, m.no, q.starts, q.ends))
        """;

    private const string Delete = $"""
        with gone as (delete from iiot_data.quarantine q where {Due} returning q.tenant_no, q.ends),
        counted as (select tenant_no, count(*) as n, max(ends) as before from gone group by tenant_no),
        noted as (
          insert into iiot.audit (tenant_no, actor, action, subject, detail)
          select tenant_no, 'retention', 'delete', 'quarantine', jsonb_build_object('rows', n, 'before', before) from counted)
        select t.name, c.before, c.n from counted c join iiot.tenant t using (tenant_no)
        """;

    private const string Count = $"""
        select t.name, max(q.ends), count(*) from iiot_data.quarantine q join iiot.tenant t using (tenant_no) where {Due} group by t.name
        """;

    /// <returns>What was deleted of each tenant: everything before a time that was due, and how many rows.</returns>
    public async Task<List<(TenantId Tenant, DateTime Before, long Rows)>> DeleteAsync(bool dryRun, CancellationToken cancellationToken)
    {
        if (dryRun)
            return await ReadAsync(Count, cancellationToken).ConfigureAwait(false);
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeTransaction = transaction.ConfigureAwait(false);
        var holds = new NpgsqlCommand("select iiot_data.lock_holds()", connection);
        await using var disposeHolds = holds.ConfigureAwait(false);
        await holds.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        var deleted = await ReadAsync(Delete, cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return deleted;
    }

    private async Task<List<(TenantId, DateTime, long)>> ReadAsync(string sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Interval(options.RawRetention));
        command.Parameters.Add(Parameter.Time(now));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var found = new List<(TenantId, DateTime, long)>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            found.Add((TenantId.Parse(rows.GetString(0)), rows.GetDateTime(1), rows.GetInt64(2)));
        return found;
    }
}
