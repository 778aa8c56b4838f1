using System.Data;
using Insa.Iiot.Storage.Postgres.Chunks;
using Insa.Iiot.Storage.Postgres.Diagnostics;
using Insa.Iiot.Storage.Postgres.Retention;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>Turns the frames of closed partitions into chunks: one per series, compressed, checked bit by bit before the frames go.</summary>
/// <remarks>
/// Chunks are written while their frames are still there: readers take a value that both have once, the frame's first. Only then is the
/// partition emptied, and only if nothing was written to it meanwhile. Whatever fails in between is done again from the start.
/// </remarks>
internal sealed class Compactor(
    PostgresDatabase database,
    IOptions<PostgresStorageOptions> options,
    TimeProvider time,
    JobClock clock,
    Quarantine quarantine,
    ILogger<Compactor> logger
)
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromHours(1);

    // Spans that could not be compacted. Only who holds the lock looks at it.
    private readonly Dictionary<DateTime, DateTimeOffset> _waiting = [];

    /// <summary>Compacts the partitions that are due, the oldest first.</summary>
    /// <param name="most">How many at most; those that fail, or are written to meanwhile, do not count.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>How many that were; 0 if another compaction or a run of retention is at work.</returns>
    public async Task<int> CompactAsync(int most, CancellationToken cancellationToken)
    {
        var taken = await SessionLock.TryTakeAsync(database, SessionLock.Maintenance, cancellationToken).ConfigureAwait(false);
        if (taken is null)
            return 0;
        await using var disposeTaken = taken.ConfigureAwait(false);
        if (options.Value.CompactAfter is not { } after)
        {
            // Where nothing is compacted nobody takes the marks of late writes away, and there would be ever more of them.
            await ExecuteAsync(taken.Connection, "delete from iiot_data.late_write", [], cancellationToken).ConfigureAwait(false);
            return 0;
        }

        var now = await clock.GetUtcNowAsync(taken.Connection, cancellationToken).ConfigureAwait(false);
        var compacted = 0;
        foreach (var span in await FindDueAsync(taken.Connection, now - after, cancellationToken).ConfigureAwait(false))
        {
            if (compacted == most)
                break;
            if (await TryCompactAsync(taken.Connection, span, cancellationToken).ConfigureAwait(false))
                compacted++;
        }

        return compacted;
    }

    // One span that fails, or a device that says too much in it, must not keep all other spans as they are.
    private async Task<bool> TryCompactAsync(NpgsqlConnection writing, PartitionSpan span, CancellationToken cancellationToken)
    {
        if (_waiting.TryGetValue(span.Starts, out var until) && time.GetUtcNow() < until)
            return false;
        try
        {
            var isEmptied = await CompactAsync(writing, span, cancellationToken).ConfigureAwait(false);
            _waiting.Remove(span.Starts);
            return isEmptied;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && writing.State == ConnectionState.Open)
        {
            logger.NotCompacted(e, span.Starts);
            _waiting[span.Starts] = time.GetUtcNow() + PauseAfterFailure;
            return false;
        }
    }

    private static async Task<List<PartitionSpan>> FindDueAsync(
        NpgsqlConnection connection,
        DateTime closedBefore,
        CancellationToken cancellationToken
    )
    {
        var spans = new List<PartitionSpan>();
        var command = new NpgsqlCommand(
            """
            select p.starts, p.ends, p.bytes
            from iiot_data.partitions('iiot_data.telemetry_frame') p
            where p.ends <= $1 and p.ends <= (select closed_before from iiot_data.telemetry_state)
              and not exists (select from iiot_data.rollup_closing r where r.hour >= p.starts and r.hour < p.ends)
              and not exists (select from iiot_data.rollup_pending r where r.hour >= p.starts and r.hour < p.ends)
              and p.bytes > 0
            order by p.starts
            """,
            connection
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Time(closedBefore));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            spans.Add(new PartitionSpan(rows.GetDateTime(0), rows.GetDateTime(1), rows.GetInt64(2)));
        return spans;
    }

    private async Task<bool> CompactAsync(NpgsqlConnection writing, PartitionSpan span, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var reading = await database.Jobs.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeReading = reading.ConfigureAwait(false);

        await SpanReader.WatchAsync(writing, span, cancellationToken).ConfigureAwait(false);
        await TierPartitions
            .EnsureAsync(writing, TierTable.Of(RetentionTier.Raw), span.Starts, options.Value, cancellationToken)
            .ConfigureAwait(false);

        var (points, chunks, bytes) = await RewriteAsync(reading, writing, span, cancellationToken).ConfigureAwait(false);
        var isEmptied = await EmptyAsync(writing, span, cancellationToken).ConfigureAwait(false);
        if (isEmptied)
            logger.Compacted(span.Starts, points, chunks, bytes, time.GetElapsedTime(started).TotalSeconds);
        else
            logger.CompactionAgain(span.Starts);
        return isEmptied;
    }

    // While one portion is compressed and written, the next is read.
    private async Task<(long Points, long Chunks, long Bytes)> RewriteAsync(
        NpgsqlConnection reading,
        NpgsqlConnection writing,
        PartitionSpan span,
        CancellationToken cancellationToken
    )
    {
        var t0 = PostgresTime.FromTicks(span.Starts.Ticks);
        var (free, busy) = (new CompactionWork(t0), new CompactionWork(t0));
        var written = Task.CompletedTask;
        try
        {
            var portions = SpanReader.ReadAsync(reading, span, () => free, cancellationToken);
            await foreach (var work in portions.ConfigureAwait(false))
            {
                await written.ConfigureAwait(false);
                (free, busy) = (busy, work);
                written = Task.Run(() => WriteChunksAsync(writing, span, work, cancellationToken), cancellationToken);
            }
        }
        finally
        {
            await written.ConfigureAwait(false);
        }

        return (free.TotalPoints + busy.TotalPoints, free.TotalChunks + busy.TotalChunks, free.TotalBytes + busy.TotalBytes);
    }

    private async Task WriteChunksAsync(
        NpgsqlConnection connection,
        PartitionSpan span,
        CompactionWork work,
        CancellationToken cancellationToken
    )
    {
        if (work.IsEmpty && work.UnreadableFrames.Count == 0)
            return;
        work.Encode();
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeTransaction = transaction.ConfigureAwait(false);
        var aside = await Quarantine.SetAsideAsync(connection, span, work, cancellationToken).ConfigureAwait(false);
        if (work.HasMerged)
        {
            var command = new NpgsqlCommand(
                """
                delete from iiot_data.telemetry_chunk c using unnest($2, $3) s (device_no, metric_no)
                where c.tenant_no = $1 and c.device_no = s.device_no and c.metric_no = s.metric_no and c.t0 = $4
                """,
                connection
            );
            await using var disposeCommand = command.ConfigureAwait(false);
            SpanReader.AddKeys(command, span, work);
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        var stream = await connection
            .BeginRawBinaryCopyAsync($"COPY iiot_data.telemetry_chunk ({ChunkRows.Columns}) FROM STDIN (FORMAT BINARY)", cancellationToken)
            .ConfigureAwait(false);
        try
        {
            await stream.WriteAsync(work.Rows, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await stream.CancelAsync().ConfigureAwait(false);
            throw;
        }

        await stream.DisposeAsync().ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        quarantine.Report(span, aside);
    }

    private Task<bool> EmptyAsync(NpgsqlConnection connection, PartitionSpan span, CancellationToken cancellationToken) =>
        PatientLock.TryAsync(
            async wait =>
            {
                var command = new NpgsqlCommand("select iiot_data.empty_frames($1, $2)", connection);
                await using var disposeCommand = command.ConfigureAwait(false);
                command.Parameters.Add(Parameter.Time(span.Starts));
                command.Parameters.Add(Parameter.Interval(wait));
                return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
            },
            otherwise: false,
            time,
            cancellationToken
        );

    private static async Task ExecuteAsync(
        NpgsqlConnection connection,
        string sql,
        NpgsqlParameter[] parameters,
        CancellationToken cancellationToken
    )
    {
        var command = new NpgsqlCommand(sql, connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.AddRange(parameters);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }
}
