using Insa.Iiot.Storage.Postgres.Jobs;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Finds and drops partitions that no metric of any tenant keeps, and no hold touches.</summary>
internal sealed class PartitionDrops(NpgsqlConnection connection, PostgresStorageOptions options, DateTime now, TimeProvider time)
{
    private const string IsFree = "not exists (select from iiot.legal_hold h where h.starts_at < p.ends and h.ends_at > p.starts)";

    /// <summary>The partitions that are due, and about how many rows each has.</summary>
    public async Task<List<(PartitionSpan Span, long Rows)>> FindDueAsync(TierTable tier, CancellationToken cancellationToken)
    {
        var command = Command(
            $"""
            select p.starts, p.ends, p.bytes, greatest(c.reltuples, 0)::bigint
            from {TierPartitions.Kept} kept, iiot_data.partitions($3::regclass) p
            join pg_class c on c.oid = p.partition
            where not kept.always and p.ends <= $4 - kept.longest and {IsFree}
              and ($1 <> 'hour' or not exists (
                select from iiot_data.rollup_pending_day d where d.day > p.starts - interval '1 day' and d.day < p.ends))
            order by p.starts
            """
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        AddTier(command, tier);
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var due = new List<(PartitionSpan, long)>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            due.Add((new PartitionSpan(rows.GetDateTime(0), rows.GetDateTime(1), rows.GetInt64(2)), rows.GetInt64(3)));
        return due;
    }

    /// <summary>The partitions that will be due before long, and when.</summary>
    public async Task<List<(PartitionSpan Span, DateTime Due)>> FindComingAsync(TierTable tier, CancellationToken cancellationToken)
    {
        var command = Command(
            $"""
            select p.starts, p.ends, p.bytes, p.ends + kept.longest
            from {TierPartitions.Kept} kept, iiot_data.partitions($3::regclass) p
            where not kept.always and p.ends > $4 - kept.longest
              and p.ends <= $4 - kept.longest + greatest(kept.longest / 10, interval '1 day') and {IsFree}
            """
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        AddTier(command, tier);
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var coming = new List<(PartitionSpan, DateTime)>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            coming.Add((new PartitionSpan(rows.GetDateTime(0), rows.GetDateTime(1), rows.GetInt64(2)), rows.GetDateTime(3)));
        return coming;
    }

    /// <summary>The partitions of frames that have long been empty.</summary>
    public async Task<List<PartitionSpan>> FindEmptyAsync(DateTime before, CancellationToken cancellationToken)
    {
        var command = Command(
            "select p.starts, p.ends from iiot_data.partitions('iiot_data.telemetry_frame') p where p.ends <= $1 and p.bytes = 0"
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

    /// <summary>Drops one.</summary>
    /// <returns>Why it was not, or <see langword="null"/>.</returns>
    public async Task<string?> DropAsync(TierTable tier, PartitionSpan span, CancellationToken cancellationToken)
    {
        await SayGoneAsync(tier, span, cancellationToken).ConfigureAwait(false);
        return await AttemptAsync(wait => DropOnceAsync(tier, span, wait, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Drops one of frames, if it is empty still.</summary>
    public Task DropEmptyAsync(PartitionSpan span, CancellationToken cancellationToken) =>
        AttemptAsync(
            async wait =>
            {
                await DropPartitionAsync(TierTable.OfFrames, span, ifEmpty: true, wait, cancellationToken).ConfigureAwait(false);
                return null;
            },
            cancellationToken
        );

    private void AddTier(NpgsqlCommand command, TierTable tier)
    {
        command.Parameters.Add(Parameter.Text(tier.Name));
        command.Parameters.Add(Parameter.Interval(tier.DefaultKeep(options)));
        command.Parameters.Add(Parameter.Text(tier.Table));
        command.Parameters.Add(Parameter.Time(now));
    }

    private Task<string?> AttemptAsync(Func<TimeSpan, Task<string?>> drop, CancellationToken cancellationToken) =>
        PatientLock.TryAsync(drop, otherwise: "it was being read or written to; the next run tries again", time, cancellationToken);

    private async Task<string?> DropOnceAsync(TierTable tier, PartitionSpan span, TimeSpan wait, CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeTransaction = transaction.ConfigureAwait(false);
        await ExecuteAsync("select iiot_data.lock_holds()", [], cancellationToken).ConfigureAwait(false);
        if (await IsHeldAsync(span, cancellationToken).ConfigureAwait(false))
            return "a hold was put up; it stays";
        await ExecuteAsync(
                """
                insert into iiot.audit (tenant_no, actor, action, subject, detail)
                select distinct tenant_no, 'retention', 'drop', $1, jsonb_build_object('from', $2::timestamptz, 'to', $3::timestamptz)
                from iiot.telemetry_metric
                """,
                [Parameter.Text(tier.Name), Parameter.Time(span.Starts), Parameter.Time(span.Ends)],
                cancellationToken
            )
            .ConfigureAwait(false);

        // Last, so that the table is locked no longer than it takes.
        if (!await DropPartitionAsync(tier, span, ifEmpty: false, wait, cancellationToken).ConfigureAwait(false))
            return "it was written to; the next run tries again";

        // From here on nobody changes its hours.
        if (tier.Tier == RetentionTier.Hour && await IsPendingAsync(span, cancellationToken).ConfigureAwait(false))
            return "a day is yet to be made of its hours; the next run tries again";
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return null;
    }

    // Before it goes: there may be a great many metrics, and while the partition goes nobody can use the table.
    private Task SayGoneAsync(TierTable tier, PartitionSpan span, CancellationToken cancellationToken) =>
        ExecuteAsync(
            $"""
            insert into iiot_data.tier_whole as w (tenant_no, metric_no, {tier.Name}_from)
            select tenant_no, metric_no, $1 from iiot.telemetry_metric order by 1, 2
            on conflict (tenant_no, metric_no) do update set {tier.Name}_from = excluded.{tier.Name}_from
            where w.{tier.Name}_from < excluded.{tier.Name}_from
            """,
            [Parameter.Time(span.Ends)],
            cancellationToken
        );

    private Task<bool> IsPendingAsync(PartitionSpan span, CancellationToken cancellationToken) =>
        ExistsAsync(
            "from iiot_data.rollup_pending_day d where d.day > $1::timestamptz - interval '1 day' and d.day < $2",
            span,
            cancellationToken
        );

    private Task<bool> IsHeldAsync(PartitionSpan span, CancellationToken cancellationToken) =>
        ExistsAsync("from iiot.legal_hold h where h.starts_at < $2 and h.ends_at > $1", span, cancellationToken);

    private async Task<bool> ExistsAsync(string what, PartitionSpan span, CancellationToken cancellationToken)
    {
        var command = Command($"select exists (select {what})");
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Time(span.Starts));
        command.Parameters.Add(Parameter.Time(span.Ends));
        return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private async Task<bool> DropPartitionAsync(
        TierTable tier,
        PartitionSpan span,
        bool ifEmpty,
        TimeSpan wait,
        CancellationToken cancellationToken
    )
    {
        var command = Command("select iiot_data.drop_partition($1::regclass, $2, $3, $4)");
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Text(tier.Table));
        command.Parameters.Add(Parameter.Time(span.Starts));
        command.Parameters.Add(Parameter.Flag(ifEmpty));
        command.Parameters.Add(Parameter.Interval(wait));
        return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private async Task ExecuteAsync(string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        var command = Command(sql);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.AddRange(parameters);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private NpgsqlCommand Command(string sql) => new(sql, connection) { CommandTimeout = 0 };
}
