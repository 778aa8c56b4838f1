using Insa.Iiot.Storage.Postgres.Diagnostics;
using Insa.Iiot.Storage.Postgres.Jobs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Deletes what is due: whole partitions where nobody keeps any of it, rows of single tenants elsewhere.</summary>
internal sealed class RetentionRun(
    PostgresDatabase database,
    IOptions<PostgresStorageOptions> options,
    TimeProvider time,
    JobClock clock,
    Quarantine quarantine,
    ILogger<RetentionRun> logger
)
{
    private const string Unproven = "the rollups do not say the same, so the points stay";
    private const string HoldsChanged = "a hold was put up or taken down meanwhile; the next run tries again";
    private const string NotCompacted = "points of some metrics or tenants go from chunks alone, and CompactAfter is null";

    // Bounds a transaction, and what is held in memory.
    private const int ChunksPerDelete = 5000;

    private static readonly TimeSpan EmptyPartitionAge = TimeSpan.FromDays(7);

    public static string NameOf(RetentionTier tier) => TierTable.Of(tier).Name;

    /// <exception cref="TelemetryStoreException">Another run, or a compaction, is at work, or the host's clock is not the server's.</exception>
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

        if (dryRun)
        {
            var connection = await database.Jobs.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var disposeConnection = connection.ConfigureAwait(false);
            await RunAsync(connection, dryRun, Done, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            var taken =
                await SessionLock.TryTakeAsync(database, SessionLock.Maintenance, cancellationToken).ConfigureAwait(false)
                ?? throw new TelemetryStoreException("Retention or compaction is at work already: try again later.", isTransient: true);
            await using var disposeTaken = taken.ConfigureAwait(false);
            await RunAsync(taken.Connection, dryRun, Done, cancellationToken).ConfigureAwait(false);
        }

        return new RetentionReport(dryRun, actions);
    }

    private async Task RunAsync(NpgsqlConnection connection, bool dryRun, Action<RetentionAction> done, CancellationToken cancellationToken)
    {
        var now = await clock.GetUtcNowAsync(connection, cancellationToken).ConfigureAwait(false);
        var drops = new PartitionDrops(connection, options.Value, now, time);
        var rows = new RowDeletes(connection, options.Value, now);
        var proof = new PointProof(connection, now, options.Value);
        await DropFramesAsync(connection, drops, proof, dryRun, done, cancellationToken).ConfigureAwait(false);
        foreach (var tier in TierTable.All)
        {
            var groups = await rows.FindGroupsAsync(tier, cancellationToken).ConfigureAwait(false);
            rows.Coming.Clear();
            await DropPartitionsAsync(drops, rows, tier, groups, dryRun, done, cancellationToken).ConfigureAwait(false);
            foreach (var group in groups)
                await TryDeleteRowsAsync(rows, tier, group, dryRun, done, cancellationToken).ConfigureAwait(false);
        }

        var aside = new QuarantineDeletes(connection, options.Value, now);
        foreach (var (tenant, before, count) in await aside.DeleteAsync(dryRun, cancellationToken).ConfigureAwait(false))
            done(new RetentionAction(RetentionTier.Raw, RetentionActionKind.DeleteRows, tenant, DateTime.MinValue, before, count, ""));
        if (dryRun)
            return;
        foreach (var span in await drops.FindEmptyAsync(now - EmptyPartitionAge, cancellationToken).ConfigureAwait(false))
            await drops.DropEmptyAsync(span, cancellationToken).ConfigureAwait(false);
    }

    private async Task DropFramesAsync(
        NpgsqlConnection connection,
        PartitionDrops drops,
        PointProof proof,
        bool dryRun,
        Action<RetentionAction> done,
        CancellationToken cancellationToken
    )
    {
        foreach (var (span, rows) in await drops.FindDueAsync(TierTable.OfFrames, cancellationToken).ConfigureAwait(false))
        {
            // An empty one is none of anybody's data.
            if (span.SizeBytes == 0)
                continue;

            if (!dryRun)
                await SpanReader.WatchAsync(connection, span, cancellationToken).ConfigureAwait(false);
            var reason = await FrameProof
                .FindDifferenceAsync(connection, span, proof, quarantine, dryRun, cancellationToken)
                .ConfigureAwait(false);
            if (reason is null && !dryRun)
                reason = await drops.DropAsync(TierTable.OfFrames, span, cancellationToken).ConfigureAwait(false);
            done(ActionOf(TierTable.OfFrames, span, rows, reason));
        }
    }

    private static async Task DropPartitionsAsync(
        PartitionDrops drops,
        RowDeletes deletes,
        TierTable tier,
        List<MetricGroup> groups,
        bool dryRun,
        Action<RetentionAction> done,
        CancellationToken cancellationToken
    )
    {
        var going = new List<(PartitionSpan, DateTime)>();
        foreach (var (span, rows) in await drops.FindDueAsync(tier, cancellationToken).ConfigureAwait(false))
        {
            if (tier.Tier == RetentionTier.Raw && await HasUnprovenAsync(deletes, groups, span, cancellationToken).ConfigureAwait(false))
                continue; // row by row, then
            var reason = dryRun ? null : await drops.DropAsync(tier, span, cancellationToken).ConfigureAwait(false);
            done(ActionOf(tier, span, rows, reason));

            // If not now, then the next time: not row by row.
            going.Add((span, DateTime.MinValue));
        }

        going.AddRange(await drops.FindComingAsync(tier, cancellationToken).ConfigureAwait(false));
        deletes.Coming.AddRange(going);
    }

    private static async Task<bool> HasUnprovenAsync(
        RowDeletes deletes,
        List<MetricGroup> groups,
        PartitionSpan span,
        CancellationToken cancellationToken
    )
    {
        foreach (var group in groups)
        {
            await foreach (var (_, others) in deletes.JudgeAsync(group, span.Starts, span.Ends, cancellationToken).ConfigureAwait(false))
            {
                if (others > 0)
                    return true;
            }
        }

        return false;
    }

    private static RetentionAction ActionOf(TierTable tier, PartitionSpan span, long rows, string? whyKept) =>
        new(
            tier.Tier,
            whyKept is null ? RetentionActionKind.DropPartition : RetentionActionKind.Keep,
            null,
            span.Starts,
            span.Ends,
            rows,
            whyKept ?? ""
        );

    // What one tenant's rows are at fault for is not to keep the others'.
    private async Task TryDeleteRowsAsync(
        RowDeletes rows,
        TierTable tier,
        MetricGroup group,
        bool dryRun,
        Action<RetentionAction> done,
        CancellationToken cancellationToken
    )
    {
        void Deleted(long count) => Report(RetentionActionKind.DeleteRows, count, "");
        void Kept(long count, string reason) => Report(RetentionActionKind.Keep, count, reason);
        void Report(RetentionActionKind kind, long count, string reason) =>
            done(new RetentionAction(tier.Tier, kind, group.Tenant, DateTime.MinValue, group.Cutoff, count, reason));

        var (deleted, kept, holdsChanged) = (0L, 0L, false);
        try
        {
            if (tier.Tier == RetentionTier.Raw)
            {
                (deleted, kept, holdsChanged) = await DeleteChunksAsync(rows, group, dryRun, cancellationToken).ConfigureAwait(false);
                if (kept > 0)
                    Kept(kept, Unproven);
                if (
                    options.Value.CompactAfter is null
                    && await rows.CountFramesAsync(group, cancellationToken).ConfigureAwait(false) is > 0 and var frames
                )
                    Kept(frames, NotCompacted);
            }
            else if (await rows.DeleteAsync(tier, group, dryRun, cancellationToken).ConfigureAwait(false) is { } count)
                deleted = count;
            else
                holdsChanged = true;
            if (holdsChanged)
                Kept(0, HoldsChanged);
        }
        catch (PostgresException e) when (PostgresErrors.IsAboutData(e) || e.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            Kept(0, e.MessageText);
        }

        if (deleted > 0)
            Deleted(deleted);
    }

    private static async Task<(long Deleted, long Kept, bool HoldsChanged)> DeleteChunksAsync(
        RowDeletes rows,
        MetricGroup group,
        bool dryRun,
        CancellationToken cancellationToken
    )
    {
        var (deleted, kept) = (0L, 0L);
        var proven = new List<ChunkKey>();
        await foreach (
            var (page, others) in rows.JudgeAsync(group, DateTime.MinValue, DateTime.MaxValue, cancellationToken).ConfigureAwait(false)
        )
        {
            kept += others;
            proven.AddRange(page);
            if (proven.Count >= ChunksPerDelete && !await DeleteAsync().ConfigureAwait(false))
                return (deleted, kept, HoldsChanged: true);
        }

        var isDone = await DeleteAsync().ConfigureAwait(false);
        return (deleted, kept, HoldsChanged: !isDone);

        async Task<bool> DeleteAsync()
        {
            var count =
                dryRun || proven.Count == 0 ? proven.Count : await rows.DeleteAsync(group, proven, cancellationToken).ConfigureAwait(false);
            proven.Clear();
            deleted += count ?? 0;
            return count is not null;
        }
    }
}
