using System.Diagnostics.CodeAnalysis;
using Insa.Iiot.Storage.Postgres.Diagnostics;
using Insa.Iiot.Storage.Postgres.Jobs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Deletes what is due: whole partitions where nobody keeps any of it, rows of single tenants elsewhere.</summary>
internal sealed class RetentionRun(
    PostgresDatabase database,
    FrameProof proof,
    IOptions<PostgresStorageOptions> options,
    TimeProvider time,
    ILogger<RetentionRun> logger
)
{
    // Whole spans only, and none at or after which a point is left: what comes late for the others is still rolled up.
    private const string FreezeHours = """
        with boundary as (
          select date_bin(partition_width, $3::timestamptz, timestamptz '2000-01-01 00:00:00+00') as before from iiot_data.telemetry_state),
        left_over as (
          select c.tenant_no, c.metric_no, min(c.t0) as t0 from iiot_data.telemetry_chunk c where c.t0 < $3 group by 1, 2)
        insert into iiot_data.rollup_frozen (tenant_no, metric_no, hours_before)
          select m.tenant_no, m.metric_no, least(b.before, l.t0)
          from boundary b cross join iiot.telemetry_metric m
          left join left_over l on l.tenant_no = m.tenant_no and l.metric_no = m.metric_no
          where $1::int is null or (m.tenant_no = $1 and m.metric_no = any ($2))
        on conflict (tenant_no, metric_no) do update set hours_before = greatest(rollup_frozen.hours_before, excluded.hours_before)
        """;

    // A day of which hours are gone is not made of the others.
    private const string FreezeDays = """
        insert into iiot_data.rollup_frozen (tenant_no, metric_no, days_before)
          select m.tenant_no, m.metric_no, date_trunc('day', $3::timestamptz - interval '1 microsecond') + interval '1 day' from iiot.telemetry_metric m
          where $1::int is null or (m.tenant_no = $1 and m.metric_no = any ($2))
        on conflict (tenant_no, metric_no) do update set days_before = greatest(rollup_frozen.days_before, excluded.days_before)
        """;

    private const int LockAttempts = 50;
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan EmptyPartitionAge = TimeSpan.FromDays(7);

    public static string NameOf(RetentionTier tier) => TierTable.All[(int)tier].Name;

    public async Task<RetentionReport> RunAsync(bool dryRun, IProgress<RetentionAction>? progress, CancellationToken cancellationToken)
    {
        var actions = new List<RetentionAction>();
        void Done(RetentionAction action)
        {
            actions.Add(action);
            progress?.Report(action);
            if (action.Kind == RetentionActionKind.Keep)
                logger.RetentionKept(NameOf(action.Tier), action.From, action.To, action.Rows, action.Reason);
            else if (!dryRun)
                logger.RetentionDeleted(NameOf(action.Tier), action.From, action.To, action.Rows);
        }

        var connection = await database.Jobs.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeConnection = connection.ConfigureAwait(false);
        var now = time.GetUtcNow().UtcDateTime;
        await DropFramesAsync(connection, now, dryRun, Done, cancellationToken).ConfigureAwait(false);
        foreach (var tier in TierTable.All)
        {
            await DropPartitionsAsync(connection, tier, now, dryRun, Done, cancellationToken).ConfigureAwait(false);
            await DeleteRowsAsync(connection, tier, now, dryRun, Done, cancellationToken).ConfigureAwait(false);
        }

        return new RetentionReport(dryRun, actions);
    }

    // Frames that nobody keeps, and partitions whose frames have long been in chunks.
    private async Task DropFramesAsync(
        NpgsqlConnection connection,
        DateTime now,
        bool dryRun,
        Action<RetentionAction> done,
        CancellationToken cancellationToken
    )
    {
        var raw = TierTable.All[0];
        foreach (
            var (span, rows) in await DueAsync(connection, "iiot_data.telemetry_frame", raw, now, cancellationToken).ConfigureAwait(false)
        )
        {
            // An empty one is none of anybody's data.
            if (span.SizeBytes == 0)
                continue;
            var action = new RetentionAction(RetentionTier.Raw, RetentionActionKind.DropPartition, null, span.Starts, span.Ends, rows, "");
            if (await WhyKeepAsync(connection, span, now, cancellationToken).ConfigureAwait(false) is { } reason)
                action = action with { Kind = RetentionActionKind.Keep, Reason = reason };
            else if (
                !dryRun && !await DropAsync(connection, "iiot_data.telemetry_frame", span, raw, cancellationToken).ConfigureAwait(false)
            )
                action = action with
                {
                    Kind = RetentionActionKind.Keep,
                    Reason = "it was being read or written to; the next run tries again",
                };
            done(action);
        }

        if (dryRun)
            return;
        foreach (var span in await EmptyAsync(connection, now - EmptyPartitionAge, cancellationToken).ConfigureAwait(false))
            await DropAsync(connection, "iiot_data.telemetry_frame", span, null, cancellationToken).ConfigureAwait(false);
    }

    private async Task<string?> WhyKeepAsync(
        NpgsqlConnection connection,
        PartitionSpan span,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        // From here on every write to the span leaves a mark.
        var marks = Command(connection, "delete from iiot_data.late_write where hour >= $1 and hour < $2");
        await using var disposeMarks = marks.ConfigureAwait(false);
        marks.Parameters.Add(Parameter.Time(span.Starts));
        marks.Parameters.Add(Parameter.Time(span.Ends));
        await marks.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        return await proof.FindDifferenceAsync(span, now, options.Value.HourRetention, cancellationToken).ConfigureAwait(false);
    }

    private async Task DropPartitionsAsync(
        NpgsqlConnection connection,
        TierTable tier,
        DateTime now,
        bool dryRun,
        Action<RetentionAction> done,
        CancellationToken cancellationToken
    )
    {
        foreach (var (span, rows) in await DueAsync(connection, tier.Table, tier, now, cancellationToken).ConfigureAwait(false))
        {
            if (tier.Tier == RetentionTier.Raw && await HasUnprovenAsync(connection, span, now, cancellationToken).ConfigureAwait(false))
                continue; // row by row, then
            var action = new RetentionAction(tier.Tier, RetentionActionKind.DropPartition, null, span.Starts, span.Ends, rows, "");
            if (!dryRun && !await DropAsync(connection, tier.Table, span, tier, cancellationToken).ConfigureAwait(false))
                action = action with
                {
                    Kind = RetentionActionKind.Keep,
                    Reason = "it was being read or written to; the next run tries again",
                };
            done(action);
        }
    }

    private async Task DeleteRowsAsync(
        NpgsqlConnection connection,
        TierTable tier,
        DateTime now,
        bool dryRun,
        Action<RetentionAction> done,
        CancellationToken cancellationToken
    )
    {
        foreach (var group in await GroupsAsync(connection, tier, cancellationToken).ConfigureAwait(false))
        {
            var cutoff = now - group.Keep;
            var (rows, kept) = await DeleteAsync(connection, tier, group, cutoff, now, dryRun, cancellationToken).ConfigureAwait(false);
            var tenant = TenantId.Parse(group.Tenant);
            if (rows > 0)
                done(new RetentionAction(tier.Tier, RetentionActionKind.DeleteRows, tenant, DateTime.MinValue, cutoff, rows, ""));
            if (kept > 0)
            {
                const string Reason = "the rollups do not say the same, so the points stay";
                done(new RetentionAction(tier.Tier, RetentionActionKind.Keep, tenant, DateTime.MinValue, cutoff, kept, Reason));
            }
        }
    }

    [SuppressMessage("Security", "CA2100", Justification = "The text is made of constants of this class alone.")]
    private async Task<(long Deleted, long Kept)> DeleteAsync(
        NpgsqlConnection connection,
        TierTable tier,
        Group group,
        DateTime cutoff,
        DateTime now,
        bool dryRun,
        CancellationToken cancellationToken
    )
    {
        var due = $"""
            c.tenant_no = $1 and c.metric_no = any ($2) and {tier.Ends} <= $3
            and not iiot_data.is_held(c.tenant_no, c.device_no, c.metric_no, {tier.Starts}, {tier.Ends})
            """;
        var proven = tier.Tier == RetentionTier.Raw ? $"and {Proven("$4")}" : "and $4::timestamptz is not null";
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeTransaction = transaction.ConfigureAwait(false);
        var sql = dryRun
            ? $"select count(*) from {tier.Table} c where {due} {proven}"
            : $"with gone as (delete from {tier.Table} c where {due} {proven} returning 1) select count(*) from gone";
        var deleted = await RunAsync(connection, sql, group, cutoff, now, cancellationToken).ConfigureAwait(false);
        var left = await RunAsync(
                connection,
                $"select count(*) from {tier.Table} c where {due} and $4::timestamptz is not null",
                group,
                cutoff,
                now,
                cancellationToken
            )
            .ConfigureAwait(false);
        if (tier.Tier == RetentionTier.Raw && !dryRun)
            await FreezeAsync(connection, FreezeHours, group.TenantNo, group.MetricNos, cutoff, cancellationToken).ConfigureAwait(false);
        if (tier.Tier == RetentionTier.Hour && !dryRun && deleted > 0)
            await FreezeAsync(connection, FreezeDays, group.TenantNo, group.MetricNos, cutoff, cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return (deleted, dryRun ? left - deleted : left);
    }

    // What was late for points that have gone has no rollup of its own; and where the hours themselves have gone there is nothing to compare with.
    private static string Proven(string hourCutoff) =>
        $"""
            (c.t0 < coalesce({hourCutoff}::timestamptz, '-infinity')
              or c.t1 < (select z.hours_before from iiot_data.rollup_frozen z where z.tenant_no = c.tenant_no and z.metric_no = c.metric_no)
              or iiot_data.is_proven(c))
            """;

    private async Task<long> RunAsync(
        NpgsqlConnection connection,
        string sql,
        Group group,
        DateTime cutoff,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        var command = Command(connection, sql);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Number(group.TenantNo));
        command.Parameters.Add(Parameter.Numbers(group.MetricNos));
        command.Parameters.Add(Parameter.Time(cutoff));
        command.Parameters.Add(Parameter.Time(HourCutoff(now)));
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is long count ? count : 0;
    }

    private DateTime HourCutoff(DateTime now) => options.Value.HourRetention is { } keep ? now - keep : DateTime.MinValue;

    private async Task<bool> HasUnprovenAsync(
        NpgsqlConnection connection,
        PartitionSpan span,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        var command = Command(
            connection,
            $"select exists (select from iiot_data.telemetry_chunk c where c.t0 >= $1 and c.t0 < $2 and not {Proven("$3")})"
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Time(span.Starts));
        command.Parameters.Add(Parameter.Time(span.Ends));
        command.Parameters.Add(Parameter.Time(HourCutoff(now)));
        return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    // Partitions that no metric of any tenant keeps, and no hold touches.
    private async Task<List<(PartitionSpan Span, long Rows)>> DueAsync(
        NpgsqlConnection connection,
        string table,
        TierTable tier,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        var command = Command(
            connection,
            """
            with kept as (
              select bool_or(keep is null) as always, max(keep) as longest
              from (select iiot_data.keep(m.tenant_no, m.name, $2, $3) as keep from iiot.telemetry_metric m) k)
            select p.starts, p.ends, p.bytes, greatest(c.reltuples, 0)::bigint
            from kept, iiot_data.partitions($1::regclass) p
            join pg_class c on c.oid = p.partition
            where not kept.always and p.ends <= $4 - kept.longest
              and not exists (select from iiot.legal_hold h where h.starts_at < p.ends and h.ends_at > p.starts)
            order by p.starts
            """
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Text(table));
        command.Parameters.Add(Parameter.Text(tier.Name));
        command.Parameters.Add(KeepOf(tier));
        command.Parameters.Add(Parameter.Time(now));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var due = new List<(PartitionSpan, long)>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            due.Add((new PartitionSpan(rows.GetDateTime(0), rows.GetDateTime(1), rows.GetInt64(2)), rows.GetInt64(3)));
        return due;
    }

    private static async Task<List<PartitionSpan>> EmptyAsync(
        NpgsqlConnection connection,
        DateTime before,
        CancellationToken cancellationToken
    )
    {
        var command = Command(
            connection,
            """
            select p.starts, p.ends from iiot_data.partitions('iiot_data.telemetry_frame') p
            where p.ends <= $1 and p.bytes = 0
            """
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Time(before));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var empty = new List<PartitionSpan>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            empty.Add(new PartitionSpan(rows.GetDateTime(0), rows.GetDateTime(1), 0));
        return empty;
    }

    // The metrics of a tenant that are kept equally long; those that are kept for ever are left out.
    private async Task<List<Group>> GroupsAsync(NpgsqlConnection connection, TierTable tier, CancellationToken cancellationToken)
    {
        var command = Command(
            connection,
            """
            select k.tenant_no, t.name, extract(epoch from k.keep)::float8, array_agg(k.metric_no)
            from (select m.tenant_no, m.metric_no, iiot_data.keep(m.tenant_no, m.name, $1, $2) as keep from iiot.telemetry_metric m) k
            join iiot.tenant t on t.tenant_no = k.tenant_no
            where k.keep is not null
            group by k.tenant_no, t.name, k.keep order by t.name, k.keep
            """
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Text(tier.Name));
        command.Parameters.Add(KeepOf(tier));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var groups = new List<Group>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            groups.Add(
                new Group(rows.GetInt32(0), rows.GetString(1), TimeSpan.FromSeconds(rows.GetDouble(2)), rows.GetFieldValue<int[]>(3))
            );
        return groups;
    }

    private NpgsqlParameter KeepOf(TierTable tier)
    {
        var keep = tier.Tier switch
        {
            RetentionTier.Raw => options.Value.RawRetention,
            RetentionTier.Minute => options.Value.MinuteRetention,
            RetentionTier.Hour => options.Value.HourRetention,
            _ => options.Value.DayRetention,
        };
        return Parameter.Interval(keep);
    }

    private async Task<bool> DropAsync(
        NpgsqlConnection connection,
        string table,
        PartitionSpan span,
        TierTable? dropped,
        CancellationToken cancellationToken
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
                await using var disposeTransaction = transaction.ConfigureAwait(false);
                if (dropped is { Tier: RetentionTier.Raw })
                    await FreezeAsync(connection, FreezeHours, null, [], span.Ends, cancellationToken).ConfigureAwait(false);
                if (dropped is { Tier: RetentionTier.Hour })
                    await FreezeAsync(connection, FreezeDays, null, [], span.Ends, cancellationToken).ConfigureAwait(false);
                var command = Command(connection, "select iiot_data.drop_partition($1::regclass, $2)");
                await using var disposeCommand = command.ConfigureAwait(false);
                command.Parameters.Add(Parameter.Text(table));
                command.Parameters.Add(Parameter.Time(span.Starts));
                if (!(bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!)
                    return false;
                await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
                return true;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                if (attempt == LockAttempts)
                    return false;
                await Task.Delay(LockPause, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // Of one tenant's metrics, or of all metrics of all tenants.
    private static async Task FreezeAsync(
        NpgsqlConnection connection,
        string sql,
        int? tenantNo,
        int[] metricNos,
        DateTime before,
        CancellationToken cancellationToken
    )
    {
        var command = Command(connection, sql);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Number(tenantNo));
        command.Parameters.Add(Parameter.Numbers(metricNos));
        command.Parameters.Add(Parameter.Time(before));
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    // Deleting may take longer than any query does.
    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql) => new(sql, connection) { CommandTimeout = 0 };

    private sealed record Group(int TenantNo, string Tenant, TimeSpan Keep, int[] MetricNos);
}
