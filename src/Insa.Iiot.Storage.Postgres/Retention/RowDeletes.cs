using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Insa.Iiot.Storage.Postgres.Chunks;
using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Finds and deletes rows that a tenant no longer keeps.</summary>
[SuppressMessage("Security", "CA2100", Justification = "The texts are made of constants of this class and of TierTable alone.")]
internal sealed class RowDeletes(NpgsqlConnection connection, PostgresStorageOptions options, DateTime now)
{
    private const int ChunksPerPage = 200;

    // There is nothing left to prove it by.
    private const string IsBeyondProof = "c.t1 < date_trunc('hour', $4::timestamptz)";

    private readonly PointProof _proof = new(connection, now, options);
    private readonly ChunkDecoder _decoder = new();
    private readonly SeriesColumns _columns = new();

    /// <summary>Partitions of the tier at hand that go as a whole, and when: their rows are left to that, unless it takes too long.</summary>
    public List<(PartitionSpan Span, DateTime Due)> Coming { get; } = [];

    /// <summary>The metrics of each tenant that are kept equally long; those that are kept for ever are left out.</summary>
    public async Task<List<MetricGroup>> FindGroupsAsync(TierTable tier, CancellationToken cancellationToken)
    {
        var command = Command(
            """
            select k.tenant_no, t.name, $3 - k.keep, coalesce($3 - k.keep_proof, '-infinity'), array_agg(k.metric_no)
            from (
              select m.tenant_no, m.metric_no, m.keep,
                case when m.hours is not null and m.minutes is not null then greatest(m.hours, m.minutes) end as keep_proof
              from (
                select tenant_no, metric_no, iiot_data.keep(tenant_no, name, $1, $2) as keep,
                  iiot_data.keep(tenant_no, name, 'hour', $4) as hours, iiot_data.keep(tenant_no, name, 'minute', $5) as minutes
                from iiot.telemetry_metric) m) k
            join iiot.tenant t on t.tenant_no = k.tenant_no and t.name is not null
            where k.keep is not null
            group by k.tenant_no, t.name, k.keep, k.keep_proof order by t.name, k.keep, k.keep_proof
            """
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Text(tier.Name));
        command.Parameters.Add(Parameter.Interval(tier.DefaultKeep(options)));
        command.Parameters.Add(Parameter.Time(now));
        command.Parameters.Add(Parameter.Interval(options.HourRetention));
        command.Parameters.Add(Parameter.Interval(options.MinuteRetention));
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

    /// <summary>Deletes the rows of a rollup's group that are due, or counts them.</summary>
    /// <returns>How many; <see langword="null"/> if holds have changed meanwhile, and nothing was deleted.</returns>
    public Task<long?> DeleteAsync(TierTable tier, MetricGroup group, bool dryRun, CancellationToken cancellationToken) =>
        DeleteAsync(tier, group, "true", [], dryRun, cancellationToken);

    /// <summary>Deletes chunks that <see cref="JudgeAsync"/> found proven.</summary>
    public Task<long?> DeleteAsync(MetricGroup group, List<ChunkKey> chunks, CancellationToken cancellationToken) =>
        DeleteAsync(
            TierTable.Of(RetentionTier.Raw),
            group,
            "(c.device_no, c.metric_no, c.t0) in (select * from unnest($7, $8, $9) k (d, m, t))",
            [
                Parameter.Numbers([.. chunks.Select(chunk => chunk.DeviceNo)]),
                Parameter.Numbers([.. chunks.Select(chunk => chunk.MetricNo)]),
                Parameter.Times([.. chunks.Select(chunk => chunk.Start)]),
            ],
            dryRun: false,
            cancellationToken
        );

    /// <summary>Compares the chunks that are due with their rollups, page by page.</summary>
    /// <returns>Of each page the chunks that are proven, and how many are not.</returns>
    public async IAsyncEnumerable<(List<ChunkKey> Proven, int Others)> JudgeAsync(
        MetricGroup group,
        DateTime from,
        DateTime to,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var last = new ChunkKey(int.MinValue, int.MinValue, long.MinValue);
        while (true)
        {
            _proof.Begin(group.TenantNo);
            var (read, proven, judged) = await ReadPageAsync(group, from, to, last, cancellationToken).ConfigureAwait(false);
            if (read.Count == 0)
                yield break;
            var different = await _proof.FindDifferentAsync(cancellationToken).ConfigureAwait(false);
            proven.AddRange(judged.Where(chunk => !different.Any(hour => IsOf(hour, chunk))).Select(chunk => chunk.Key));
            yield return (proven, read.Count - proven.Count);
            last = read[^1];
            if (read.Count < ChunksPerPage)
                yield break;
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
            c.tenant_no = $1 and c.metric_no = any ($2) and {tier.Starts} < $3 and {tier.Ends} <= $3
            and not exists (select from unnest($5, $6) p (starts, ends) where {tier.Starts} >= p.starts and {tier.Starts} < p.ends)
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

    // The next page of chunks that are due, those of them that need no proof, and those whose points were given to the proof.
    private async Task<(List<ChunkKey> Read, List<ChunkKey> Proven, List<(ChunkKey Key, long Last)> Judged)> ReadPageAsync(
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
            select c.device_no, c.metric_no, c.t0, c.t1, {tier.IsUsed} and {IsBeyondProof}, case when {tier.IsUsed} and not {IsBeyondProof} then c.d end
            from {tier.Table} c
            where {Due(tier)} and c.t0 >= $7 and c.t0 < $8 and (c.device_no, c.metric_no, c.t0) > ($9, $10, $11)
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
        var (read, proven, judged) = (new List<ChunkKey>(), new List<ChunkKey>(), new List<(ChunkKey, long)>());
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var key = new ChunkKey(rows.GetInt32(0), rows.GetInt32(1), rows.GetFieldValue<long>(2));
            read.Add(key);
            if (rows.GetBoolean(4))
                proven.Add(key);
            if (
                rows.IsDBNull(5)
                || !_decoder.TryDecode(rows.GetFieldValue<byte[]>(5), ChunkFormat.MaxPoints, ChunkFormat.MaxTextBytes, _columns)
            )
                continue;
            _proof.Add(key.DeviceNo, key.MetricNo, _columns);
            judged.Add((key, rows.GetFieldValue<long>(3)));
        }

        return (read, proven, judged);
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
        command.Parameters.Add(Parameter.Time(group.ProofCutoff));
        var until = now + TierPartitions.MostWait(now - group.Cutoff);
        var coming = Coming.Where(partition => partition.Due <= until).ToList();
        command.Parameters.Add(Parameter.List(coming.ConvertAll(partition => partition.Span.Starts), NpgsqlDbType.TimestampTz));
        command.Parameters.Add(Parameter.List(coming.ConvertAll(partition => partition.Span.Ends), NpgsqlDbType.TimestampTz));
        command.Parameters.AddRange(parameters);
        return command;
    }

    // Deleting may take longer than any query does.
    private NpgsqlCommand Command(string sql) => new(sql, connection) { CommandTimeout = 0 };
}
