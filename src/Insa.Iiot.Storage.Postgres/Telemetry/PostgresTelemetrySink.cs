using System.Collections.Concurrent;
using Insa.Iiot.Storage.Postgres.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Writes batches: one transaction each, one row per frame, by COPY; what may be there already by comparison.</summary>
internal sealed partial class PostgresTelemetrySink : ITelemetrySink, IDisposable
{
    // Below it a call with arrays costs no more than COPY, and one round trip less than a transaction around one.
    private const int FewestForCopy = 200;

    // After a replay more of it is likely, and a COPY that fails leaves dead rows behind.
    private const int BatchesPerReplay = 16;

    private const int MostAttempts = 5;

    private readonly PostgresDatabase _database;
    private readonly StreamDictionary _streams;
    private readonly PartitionCache _partitions;
    private readonly ILogger<PostgresTelemetrySink> _logger;
    private readonly ConcurrentBag<SinkWork> _kept = [];
    private int _replayBatches;

    public PostgresTelemetrySink(
        PostgresDatabase database,
        StreamDictionary streams,
        PartitionCache partitions,
        IOptions<PostgresStorageOptions> options,
        ILogger<PostgresTelemetrySink> logger
    )
    {
        _database = database;
        _streams = streams;
        _partitions = partitions;
        _logger = logger;
        MaxConcurrentWrites = options.Value.WriterConnections;
    }

    public int MaxConcurrentWrites { get; }

    public async Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        await _database.ReadyAsync(cancellationToken).ConfigureAwait(false);
        var work = _kept.TryTake(out var kept) ? kept : new SinkWork();
        try
        {
            await WriteAsync(batch, work, cancellationToken).ConfigureAwait(false);
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
            await EnsurePartitionsAsync(connection, batch, work.Run, cancellationToken).ConfigureAwait(false);
            try
            {
                var found = await WriteAsync(connection, batch, work, generation, cancellationToken).ConfigureAwait(false);
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

    /// <returns>The database's generation; if it is not the one given, nothing was written.</returns>
    private async Task<long> WriteAsync(
        NpgsqlConnection connection,
        TelemetryBatch batch,
        SinkWork work,
        long generation,
        CancellationToken cancellationToken
    )
    {
        try
        {
            if (work.Run.Count < FewestForCopy || TakeReplayBatch())
                return await MergeAsync(connection, batch, work, generation, 0, work.Run.Count, cancellationToken).ConfigureAwait(false);
            try
            {
                return await CopyAsync(connection, batch, work, generation, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
            {
                ExpectReplays(BatchesPerReplay);
                _logger.Replaying(BatchesPerReplay);
                return await MergeAsync(connection, batch, work, generation, 0, work.Run.Count, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (PostgresException e) when (PostgresErrors.IsAboutData(e) && !IsMissingPartition(e))
        {
            _logger.Isolating(e, work.Run.Count);
            return await IsolateAsync(connection, batch, work, generation, 0, work.Run.Count, cancellationToken).ConfigureAwait(false);
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
            if (_streams.Find(chunk, streams.Span) > 0)
                await _streams.LearnAsync(connection, chunk, streams, cancellationToken).ConfigureAwait(false);
            first += chunk.FrameCount;
        }
    }

    private async Task EnsurePartitionsAsync(
        NpgsqlConnection connection,
        TelemetryBatch batch,
        FrameRun run,
        CancellationToken cancellationToken
    )
    {
        var known = long.MinValue;
        for (var i = 0; i < run.Count; i++)
        {
            var hour = PostgresTime.FloorDivide(run.TimeOf(batch, i), PostgresTime.PerHour);
            if (hour == known)
                continue;
            if (!_partitions.Contains(hour))
                await _partitions.EnsureAsync(connection, hour, cancellationToken).ConfigureAwait(false);
            known = hour;
        }
    }

    private static void NoteNewest(TelemetryBatch batch, FrameRun run)
    {
        for (var i = 0; i < run.Count; i++)
        {
            if (i + 1 == run.Count || !ReferenceEquals(run.StreamOf(i), run.StreamOf(i + 1)))
                run.StreamOf(i).Committed(run.TimeOf(batch, i));
        }
    }

    private bool TakeReplayBatch()
    {
        if (Volatile.Read(ref _replayBatches) <= 0)
            return false;
        Interlocked.Decrement(ref _replayBatches);
        return true;
    }

    // 23514 is also what a check constraint raises, but then with the constraint's name.
    private static bool IsMissingPartition(PostgresException e) =>
        e.SqlState == PostgresErrorCodes.CheckViolation && string.IsNullOrEmpty(e.ConstraintName);
}
