using System.Collections.Concurrent;
using Insa.Iiot.Storage.Postgres.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>
/// Writes batches: one transaction each, or several where one would lock too many partitions; one row per frame, by COPY; what may be there
/// already by comparison.
/// </summary>
internal sealed partial class PostgresTelemetrySink : ITelemetrySink, IDisposable
{
    // Below it a call with arrays costs no more than COPY, and one round trip less than a transaction around one.
    private const int FewestForCopy = 200;

    // After a replay more of it is likely, and a COPY that fails leaves dead rows behind.
    private const int BatchesPerReplay = 16;

    // A transaction holds two locks for each, and by default the server has some 64 for each connection that it allows.
    private const int MostPartitions = 256;

    private const int MostAttempts = 5;

    private readonly PostgresDatabase _database;
    private readonly StreamDictionary _streams;
    private readonly PartitionCache _partitions;
    private readonly PostgresMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<PostgresTelemetrySink> _logger;
    private readonly ConcurrentBag<SinkWork> _kept = [];
    private int _replayBatches;

    public PostgresTelemetrySink(
        PostgresDatabase database,
        StreamDictionary streams,
        PartitionCache partitions,
        PostgresMetrics metrics,
        TimeProvider time,
        IOptions<PostgresStorageOptions> options,
        ILogger<PostgresTelemetrySink> logger
    )
    {
        _database = database;
        _streams = streams;
        _partitions = partitions;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        MaxConcurrentWrites = options.Value.WriterConnections;
    }

    public int MaxConcurrentWrites { get; }

    public async Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        await _database.ReadyAsync(cancellationToken).ConfigureAwait(false);
        var work = _kept.TryTake(out var kept) ? kept : new SinkWork();
        var start = _time.GetTimestamp();
        try
        {
            await WriteAsync(batch, work, cancellationToken).ConfigureAwait(false);
            _metrics.Written(_time.GetElapsedTime(start));
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw PostgresErrors.ToStoreException(e);
        }
        finally
        {
            work.Run.Clear();
            _kept.Add(work);
        }
    }

    /// <summary>Compares the next batches with what is stored, each of their frames.</summary>
    internal void ExpectReplays(int batches) => Volatile.Write(ref _replayBatches, batches);

    public void Dispose()
    {
        while (_kept.TryTake(out var work))
            work.Dispose();
    }

    private async Task WriteAsync(TelemetryBatch batch, SinkWork work, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var connection = await _database.Writer.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var _ = connection.ConfigureAwait(false);

            // Read before the streams are looked up: numbers found later are at least as new.
            var generation = _streams.Generation;
            await ResolveAsync(connection, batch, work.Run, cancellationToken).ConfigureAwait(false);
            work.Run.Sort(batch);
            await EnsurePartitionsAsync(connection, batch, work, cancellationToken).ConfigureAwait(false);
            try
            {
                var found = await WritePartsAsync(connection, batch, work, generation, cancellationToken).ConfigureAwait(false);
                if (found == generation)
                {
                    NoteNewest(batch, work.Run);
                    return;
                }

                _streams.Renew(found);
            }
            catch (PostgresException e) when (IsMissingPartition(e))
            {
                // Dropped since it was last seen; or another host is about to attach it.
                _partitions.Forget();
            }
        }

        throw new TelemetryStoreException("The store's partitions or numbers kept changing during the write.", isTransient: true);
    }

    /// <summary>Writes in parts of no more partitions than one transaction should lock. What fails after some of them is a replay when it is tried again.</summary>
    /// <returns>The database's generation; if it is not the one given, what was written holds numbers of the one given.</returns>
    private async Task<long> WritePartsAsync(
        NpgsqlConnection connection,
        TelemetryBatch batch,
        SinkWork work,
        long generation,
        CancellationToken cancellationToken
    )
    {
        if (work.Partitions.Count <= MostPartitions)
            return await WriteAsync(connection, batch, work, generation, 0, work.Run.Count, cancellationToken).ConfigureAwait(false);
        work.Run.SortByTime(batch, 0, work.Run.Count);
        var partitions = work.Partitions.Order().ToArray();
        var next = MostPartitions;
        for (var start = 0; start < work.Run.Count; next += MostPartitions)
        {
            var end = start;
            while (end < work.Run.Count && (next >= partitions.Length || work.Run.HourOf(batch, end) < partitions[next]))
                end++;
            var found = await WriteAsync(connection, batch, work, generation, start, end, cancellationToken).ConfigureAwait(false);
            if (found != generation)
                return found;
            start = end;
        }

        return generation;
    }

    /// <returns>The database's generation; if it is not the one given, nothing was written.</returns>
    private async Task<long> WriteAsync(
        NpgsqlConnection connection,
        TelemetryBatch batch,
        SinkWork work,
        long generation,
        int start,
        int end,
        CancellationToken cancellationToken
    )
    {
        try
        {
            if (end - start < FewestForCopy)
                return await MergeAsync(connection, batch, work, generation, start, end, cancellationToken).ConfigureAwait(false);
            try
            {
                return TakeReplayBatch()
                    ? await CompareAsync(connection, batch, work, generation, start, end, cancellationToken).ConfigureAwait(false)
                    : await CopyAsync(connection, batch, work, generation, start, end, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
            {
                ExpectReplays(BatchesPerReplay);
                _metrics.Replayed();
                _logger.Replaying(BatchesPerReplay);
                return await MergeAsync(connection, batch, work, generation, start, end, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (PostgresException e) when (PostgresErrors.IsTooMuch(e))
        {
            _logger.WriteTooLarge(e, end - start);
            work.Run.SortByTime(batch, start, end);
            return await HalveAsync(connection, batch, work, generation, start, end, cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException e) when (IsAboutFrames(e))
        {
            _logger.Isolating(e, end - start);
            return await HalveAsync(connection, batch, work, generation, start, end, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ResolveAsync(NpgsqlConnection connection, TelemetryBatch batch, FrameRun run, CancellationToken cancellationToken)
    {
        run.Reset(batch);
        var first = 0;
        for (var i = 0; i < batch.Chunks.Count; i++)
        {
            var chunk = batch.Chunks[i];
            var streams = run.Streams(first, chunk.FrameCount);
            if (
                _streams.Find(chunk, streams.Span) > 0
                && await _streams.LearnAsync(connection, chunk, streams, cancellationToken).ConfigureAwait(false) is { } refusal
            )
                RejectUnknown(chunk, streams.Span, refusal);
            first += chunk.FrameCount;
        }
    }

    private void RejectUnknown(TelemetryChunk chunk, ReadOnlySpan<StreamEntry?> streams, PostgresException refusal)
    {
        _logger.Isolating(refusal, chunk.FrameCount);
        for (var i = 0; i < streams.Length; i++)
        {
            if (streams[i] is null)
                Reject(chunk, i, "name");
        }
    }

    private async Task EnsurePartitionsAsync(
        NpgsqlConnection connection,
        TelemetryBatch batch,
        SinkWork work,
        CancellationToken cancellationToken
    )
    {
        work.Partitions.Clear();
        HashSet<long>? refused = null;
        var known = long.MinValue;
        for (var i = 0; i < work.Run.Count; i++)
        {
            var hour = work.Run.HourOf(batch, i);
            if (hour == known || refused?.Contains(hour) == true)
                continue;
            known = hour;
            try
            {
                if (!_partitions.TryFind(hour, out var partition))
                    partition = await _partitions.EnsureAsync(connection, hour, cancellationToken).ConfigureAwait(false);
                work.Partitions.Add(partition);
            }
            catch (PostgresException e) when (PostgresErrors.IsAboutData(e))
            {
                _logger.Isolating(e, work.Run.Count);
                (refused ??= []).Add(hour);
            }
        }

        if (refused is null)
            return;
        foreach (var place in work.Run.Remove(batch, refused))
            Reject(batch.Chunks[place.Chunk], place.Frame, "time");
    }

    // Once, also if the write is tried again.
    private void Reject(TelemetryChunk chunk, int frame, string reason)
    {
        if (chunk.RejectionOf(frame) != IngestReason.None)
            return;
        chunk.Reject(frame, IngestReason.Unstorable);
        _metrics.FrameIsolated(reason);
    }

    private static void NoteNewest(TelemetryBatch batch, FrameRun run)
    {
        // From the last on: nearly always the frames of a stream come together and by time, and the first one met is the newest.
        StreamEntry? noted = null;
        for (var i = run.Count - 1; i >= 0; i--)
        {
            var (chunk, frame) = run.PlaceOf(i);
            if (ReferenceEquals(run.StreamOf(i), noted) || batch.Chunks[chunk].RejectionOf(frame) != IngestReason.None)
                continue;
            noted = run.StreamOf(i);
            noted.Committed(run.TimeOf(batch, i));
        }
    }

    private bool TakeReplayBatch()
    {
        if (Volatile.Read(ref _replayBatches) <= 0)
            return false;
        Interlocked.Decrement(ref _replayBatches);
        return true;
    }

    private static bool IsAboutFrames(PostgresException e) => PostgresErrors.IsAboutData(e) && !IsMissingPartition(e);

    // 23514 is also what a check constraint raises, but then with the constraint's name.
    private static bool IsMissingPartition(PostgresException e) =>
        e.SqlState == PostgresErrorCodes.CheckViolation && string.IsNullOrEmpty(e.ConstraintName);
}
