using System.Data;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

internal sealed partial class PostgresTelemetrySink
{
    /// <summary>Writes frames that may be there already. In one statement, or as many in one transaction as their size takes.</summary>
    /// <returns>The database's generation; if it is not the one given, nothing was written.</returns>
    private async Task<long> MergeAsync(
        NpgsqlConnection connection,
        TelemetryBatch batch,
        SinkWork work,
        long generation,
        int start,
        int end,
        CancellationToken cancellationToken
    )
    {
        NpgsqlTransaction? transaction = null;
        try
        {
            work.Merge.Clear();
            for (var i = start; i < end; i++)
            {
                var (chunk, frame) = work.Run.PlaceOf(i);
                work.Merge.Append(work.Run.StreamOf(i), batch.Chunks[chunk][frame]);
                if (!work.Merge.IsFull || i + 1 == end)
                    continue;
                transaction ??= await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
                var found = await CallAsync(connection, work.Merge, generation, cancellationToken).ConfigureAwait(false);
                if (found != generation)
                    return found;
                work.Merge.Clear();
            }

            var last = await CallAsync(connection, work.Merge, generation, cancellationToken).ConfigureAwait(false);
            if (last != generation)
                return last;
            if (transaction is not null)
                await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
            _metrics.FramesWritten("merge", end - start);
            return last;
        }
        finally
        {
            if (transaction is not null)
                await transaction.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static async Task<long> CallAsync(
        NpgsqlConnection connection,
        MergeArguments arguments,
        long generation,
        CancellationToken cancellationToken
    )
    {
        var command = arguments.ToCommand(connection, generation);
        await using var _ = command.ConfigureAwait(false);
        return (long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    /// <summary>
    /// The server refuses some frame, or so many at once: halves the run until it is few enough and each frame at fault is alone, refuses those
    /// and writes all others.
    /// </summary>
    private async Task<long> HalveAsync(
        NpgsqlConnection connection,
        TelemetryBatch batch,
        SinkWork work,
        long generation,
        int start,
        int end,
        CancellationToken cancellationToken
    )
    {
        // Npgsql gives a connection up whose server is out of memory or locks.
        if (connection.State != ConnectionState.Open)
        {
            await connection.CloseAsync().ConfigureAwait(false);
            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
        }

        try
        {
            return await MergeAsync(connection, batch, work, generation, start, end, cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException e) when (end - start == 1 && IsAboutFrames(e))
        {
            Reject(batch, work.Run.PlaceOf(start));
            return generation;
        }
        catch (PostgresException e) when (end - start > 1 && (IsAboutFrames(e) || PostgresErrors.IsTooMuch(e)))
        {
            var middle = start + ((end - start) / 2);
            var found = await HalveAsync(connection, batch, work, generation, start, middle, cancellationToken).ConfigureAwait(false);
            return found != generation
                ? found
                : await HalveAsync(connection, batch, work, generation, middle, end, cancellationToken).ConfigureAwait(false);
        }
    }

    // With it go the frames that it replaced in the batch: they are not stored either.
    private void Reject(TelemetryBatch batch, (int Chunk, int Frame) place)
    {
        var refused = batch.Chunks[place.Chunk][place.Frame];
        foreach (var chunk in batch.Chunks)
        {
            if (chunk.Tenant != batch.Chunks[place.Chunk].Tenant)
                continue;
            for (var i = 0; i < chunk.FrameCount; i++)
            {
                var frame = chunk[i];
                if (
                    frame.TimestampTicks == refused.TimestampTicks
                    && frame.Device == refused.Device
                    && ReferenceEquals(frame.Layout, refused.Layout)
                )
                    Reject(chunk, i, "frame");
            }
        }
    }
}
