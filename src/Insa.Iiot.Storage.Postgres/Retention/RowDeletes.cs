using System.Diagnostics.CodeAnalysis;
using Insa.Iiot.Storage.Postgres.Chunks;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Finds and deletes rows that a tenant no longer keeps.</summary>
[SuppressMessage("Security", "CA2100", Justification = "The texts are made of constants of this class and of TierTable alone.")]
internal sealed class RowDeletes(NpgsqlConnection connection, PostgresStorageOptions options, DateTime now)
{
    private const int ChunksPerPage = 200;

    // Proven by what is noted beside the chunk, or beyond proof.
    private const string IsProven = "(c.t1 < date_trunc('hour', $4::timestamptz) or iiot_data.is_proven(c))";

    private readonly PointProof _proof = new(connection, now, options.HourRetention);
    private readonly ChunkDecoder _decoder = new();
    private readonly SeriesColumns _columns = new();

    /// <summary>The metrics of each tenant that are kept equally long; those that are kept for ever are left out.</summary>
    public async Task<List<MetricGroup>> FindGroupsAsync(TierTable tier, CancellationToken cancellationToken)
    {
        var command = Command(
            """
            select k.tenant_no, t.name, $3 - k.keep, coalesce($3 - k.keep_hours, '-infinity'), array_agg(k.metric_no)
            from (
              select m.tenant_no, m.metric_no, iiot_data.keep(m.tenant_no, m.name, $1, $2) as keep,
                iiot_data.keep(m.tenant_no, m.name, 'hour', $4) as keep_hours
              from iiot.telemetry_metric m) k
            join iiot.tenant t on t.tenant_no = k.tenant_no and t.name is not null
            where k.keep is not null
            group by k.tenant_no, t.name, k.keep, k.keep_hours order by t.name, k.keep, k.keep_hours
            """
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Text(tier.Name));
        command.Parameters.Add(Parameter.Interval(tier.DefaultKeep(options)));
        command.Parameters.Add(Parameter.Time(now));
        command.Parameters.Add(Parameter.Interval(options.HourRetention));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var groups = new List<MetricGroup>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            groups.Add(
                new MetricGroup(
                    rows.GetInt32(0),
                    TenantId.Parse(rows.GetString(1)),
                    rows.GetDateTime(2),
                    rows.GetDateTime(3),
                    rows.GetFieldValue<int[]>(4)
                )
            );
        return groups;
    }

    /// <summary>Deletes the rows of a group that are due and, if they are chunks, proven; or counts them.</summary>
    /// <returns>How many; <see langword="null"/> if holds have changed meanwhile, and nothing was deleted.</returns>
    public Task<long?> DeleteAsync(TierTable tier, MetricGroup group, bool dryRun, CancellationToken cancellationToken) =>
        DeleteAsync(tier, group, tier.Tier == RetentionTier.Raw ? IsProven : "true", [], dryRun, cancellationToken);

    /// <summary>Deletes chunks that <see cref="JudgeAsync"/> found proven.</summary>
    public Task<long?> DeleteAsync(MetricGroup group, List<ChunkKey> chunks, CancellationToken cancellationToken) =>
        DeleteAsync(
            TierTable.Of(RetentionTier.Raw),
            group,
            "(c.device_no, c.metric_no, c.t0) in (select * from unnest($5, $6, $7) k (d, m, t))",
            [
                Parameter.Numbers([.. chunks.Select(chunk => chunk.DeviceNo)]),
                Parameter.Numbers([.. chunks.Select(chunk => chunk.MetricNo)]),
                Parameter.Times([.. chunks.Select(chunk => chunk.Start)]),
            ],
            dryRun: false,
            cancellationToken
        );

    /// <summary>Looks at the points of the chunks that are due and not proven by what is noted beside them.</summary>
    /// <returns>The chunks that are proven so, and how many are not.</returns>
    public async Task<(List<ChunkKey> Proven, long Others)> JudgeAsync(
        MetricGroup group,
        DateTime from,
        DateTime to,
        CancellationToken cancellationToken
    )
    {
        var (proven, others) = (new List<ChunkKey>(), 0L);
        var last = new ChunkKey(int.MinValue, int.MinValue, long.MinValue);
        while (true)
        {
            _proof.Begin(group.TenantNo);
            var (read, judged) = await ReadPageAsync(group, from, to, last, cancellationToken).ConfigureAwait(false);
            if (read.Count == 0)
                return (proven, others);
            var different = await _proof.FindDifferentAsync(cancellationToken).ConfigureAwait(false);
            proven.AddRange(judged.Where(chunk => !different.Exists(hour => IsOf(hour, chunk))).Select(chunk => chunk.Key));
            others += read.Count;
            last = read[^1];
            if (read.Count < ChunksPerPage)
                return (proven, others - proven.Count);
        }
    }

    /// <summary>Counts frames that are due, and would have to be in chunks to be deleted; no more than 100,000.</summary>
    public async Task<long> CountFramesAsync(MetricGroup group, CancellationToken cancellationToken)
    {
        var command = Command(
            """
            select count(*) from (
              select from iiot.telemetry_stream s
              join iiot.telemetry_layout l on l.tenant_no = s.tenant_no and l.layout_no = s.layout_no and l.metric_nos && $2
              join iiot_data.telemetry_frame f on f.tenant_no = s.tenant_no and f.stream_no = s.stream_no and f.ts < $3
              where s.tenant_no = $1 limit 100000) f
            """
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Number(group.TenantNo));
        command.Parameters.Add(Parameter.Numbers(group.MetricNos));
        command.Parameters.Add(Parameter.Time(group.Cutoff));
        return (long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private static bool IsOf((int DeviceNo, int MetricNo, long Start) hour, (ChunkKey Key, long Last) chunk) =>
        hour.DeviceNo == chunk.Key.DeviceNo
        && hour.MetricNo == chunk.Key.MetricNo
        && hour.Start >= chunk.Key.Start
        && hour.Start <= chunk.Last;

    private static string Due(TierTable tier) =>
        $"""
            c.tenant_no = $1 and c.metric_no = any ($2) and {tier.Ends} <= $3
            and not iiot_data.is_held(c.tenant_no, c.device_no, c.metric_no, {tier.Starts}, {tier.Ends})
            """;

    private async Task<long?> DeleteAsync(
        TierTable tier,
        MetricGroup group,
        string condition,
        NpgsqlParameter[] parameters,
        bool dryRun,
        CancellationToken cancellationToken
    )
    {
        var due = $"{Due(tier)} and {tier.IsUsed} and {condition}";
        if (dryRun)
            return await CountAsync(group, $"select count(*) from {tier.Table} c where {due}", parameters, cancellationToken)
                .ConfigureAwait(false);
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeTransaction = transaction.ConfigureAwait(false);
        var holds = await HoldsAsync(group, cancellationToken).ConfigureAwait(false);
        var deleted = await CountAsync(
                group,
                $"""
                with gone as (delete from {tier.Table} c where {due} returning c.metric_no, {tier.Ends} as ends),
                whole as (
                  insert into iiot_data.tier_whole as w (tenant_no, metric_no, {tier.Name}_from)
                  select $1, metric_no, max(ends) from gone group by metric_no
                  on conflict (tenant_no, metric_no) do update set {tier.Name}_from = greatest(w.{tier.Name}_from, excluded.{tier.Name}_from)),
                noted as (
                  insert into iiot.audit (tenant_no, actor, action, subject, detail)
                  select $1, 'retention', 'delete', '{tier.Name}', jsonb_build_object('rows', count(*), 'before', max(ends))
                  from gone having count(*) > 0)
                select count(*) from gone
                """,
                parameters,
                cancellationToken
            )
            .ConfigureAwait(false);

        // Only after the rows: whoever puts up a hold must not wait for all of them.
        await LockHoldsAsync(cancellationToken).ConfigureAwait(false);
        if (await HoldsAsync(group, cancellationToken).ConfigureAwait(false) != holds)
            return null;
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return deleted;
    }

    // The next page of chunks that are due and not proven, and those of them whose points were given to the proof.
    private async Task<(List<ChunkKey> Read, List<(ChunkKey Key, long Last)> Judged)> ReadPageAsync(
        MetricGroup group,
        DateTime from,
        DateTime to,
        ChunkKey after,
        CancellationToken cancellationToken
    )
    {
        var tier = TierTable.Of(RetentionTier.Raw);
        var command = GroupCommand(
            group,
            $"""
            select c.device_no, c.metric_no, c.t0, c.t1, case when {tier.IsUsed} then c.d end
            from {tier.Table} c
            where {Due(tier)} and c.t0 >= $5 and c.t0 < $6 and (c.device_no, c.metric_no, c.t0) > ($7, $8, $9)
              and not ({tier.IsUsed} and {IsProven})
            order by c.device_no, c.metric_no, c.t0 limit {ChunksPerPage}
            """,
            [
                Parameter.Time(from),
                Parameter.Time(to),
                Parameter.Number(after.DeviceNo),
                Parameter.Number(after.MetricNo),
                Parameter.Time(after.Start),
            ]
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var (read, judged) = (new List<ChunkKey>(), new List<(ChunkKey, long)>());
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var key = new ChunkKey(rows.GetInt32(0), rows.GetInt32(1), rows.GetFieldValue<long>(2));
            read.Add(key);
            if (
                rows.IsDBNull(4)
                || !_decoder.TryDecode(rows.GetFieldValue<byte[]>(4), ChunkFormat.MaxPoints, ChunkFormat.MaxTextBytes, _columns)
            )
                continue;
            _proof.Add(key.DeviceNo, key.MetricNo, _columns);
            judged.Add((key, rows.GetFieldValue<long>(3)));
        }

        return (read, judged);
    }

    private async Task LockHoldsAsync(CancellationToken cancellationToken)
    {
        var command = Command("select iiot_data.lock_holds()");
        await using var disposeCommand = command.ConfigureAwait(false);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    // All that they say, to see whether they have changed.
    private async Task<string?> HoldsAsync(MetricGroup group, CancellationToken cancellationToken)
    {
        var command = Command("select string_agg(h::text, ' ' order by h.name) from iiot.legal_hold h where h.tenant_no = $1");
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Number(group.TenantNo));
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) as string;
    }

    private async Task<long> CountAsync(MetricGroup group, string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        var command = GroupCommand(group, sql, parameters);
        await using var disposeCommand = command.ConfigureAwait(false);
        return (long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private NpgsqlCommand GroupCommand(MetricGroup group, string sql, NpgsqlParameter[] parameters)
    {
        var command = Command(sql);
        command.Parameters.Add(Parameter.Number(group.TenantNo));
        command.Parameters.Add(Parameter.Numbers(group.MetricNos));
        command.Parameters.Add(Parameter.Time(group.Cutoff));
        command.Parameters.Add(Parameter.Time(group.HourCutoff));
        command.Parameters.AddRange(parameters);
        return command;
    }

    // Deleting may take longer than any query does.
    private NpgsqlCommand Command(string sql) => new(sql, connection) { CommandTimeout = 0 };
}
