using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

internal sealed partial class PostgresTelemetrySink
{
    private const string Copy = "COPY iiot_data.telemetry_frame (" + CopyBuffer.Columns + ") FROM STDIN (FORMAT BINARY)";

    /// <returns>The database's generation; if it is not the one given, nothing was written.</returns>
    private async Task<long> CopyAsync(
        NpgsqlConnection connection,
        TelemetryBatch batch,
        SinkWork work,
        long generation,
        int start,
        int end,
        CancellationToken cancellationToken
    )
    {
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = transaction.ConfigureAwait(false);
        var (found, closedBefore) = await BeginWriteAsync(connection, cancellationToken).ConfigureAwait(false);
        if (found != generation)
            return found;
        await CopyRowsAsync(connection, batch, work, start, end, cancellationToken).ConfigureAwait(false);
        if (work.Run.Oldest < closedBefore)
            await MarkLateAsync(connection, batch, work.Run, closedBefore, start, end, cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        _metrics.FramesWritten("copy", end - start);
        return found;
    }

    private static async Task<(long Generation, long ClosedBefore)> BeginWriteAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    )
    {
        var command = new NpgsqlCommand("select generation, closed_before from iiot_data.begin_write()", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        var row = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRow = row.ConfigureAwait(false);
        await row.ReadAsync(cancellationToken).ConfigureAwait(false);

        // As microseconds: before the first hour is closed it is -infinity, which is the least of them.
        return (row.GetInt64(0), row.GetFieldValue<long>(1));
    }

    private static async Task CopyRowsAsync(
        NpgsqlConnection connection,
        TelemetryBatch batch,
        SinkWork work,
        int start,
        int end,
        CancellationToken cancellationToken
    )
    {
        var stream = await connection.BeginRawBinaryCopyAsync(Copy, cancellationToken).ConfigureAwait(false);
        try
        {
            work.Copy.Clear();
            work.Copy.AppendHeader();
            for (var i = start; i < end; i++)
            {
                var (chunk, frame) = work.Run.PlaceOf(i);
                work.Copy.Append(work.Run.StreamOf(i), batch.Chunks[chunk][frame]);
                if (work.Copy.IsFull)
                {
                    await stream.WriteAsync(work.Copy.Written, cancellationToken).ConfigureAwait(false);
                    work.Copy.Clear();
                }
            }

            work.Copy.AppendTrailer();
            await stream.WriteAsync(work.Copy.Written, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // Disposing the stream would tell the server that this was all.
            await CancelAsync(stream).ConfigureAwait(false);
            throw;
        }

        await stream.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task CancelAsync(NpgsqlRawCopyStream stream)
    {
        try
        {
            await stream.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e) || e is OperationCanceledException or ObjectDisposedException)
        {
            // The connection is gone, and the transaction with it. What made us cancel is what counts.
        }
    }

    // Hours that are, or are being, rolled up are rolled up again.
    private static async Task MarkLateAsync(
        NpgsqlConnection connection,
        TelemetryBatch batch,
        FrameRun run,
        long closedBefore,
        int start,
        int end,
        CancellationToken cancellationToken
    )
    {
        List<int> tenantNos = [];
        List<int> streamNos = [];
        List<long> hours = [];
        StreamEntry? stream = null;
        var hour = long.MinValue;
        for (var i = start; i < end; i++)
        {
            var time = run.TimeOf(batch, i);
            if (time >= closedBefore)
                continue;
            var at = PostgresTime.FloorDivide(time, PostgresTime.PerHour);
            if (ReferenceEquals(stream, run.StreamOf(i)) && at == hour)
                continue;
            (stream, hour) = (run.StreamOf(i), at);
            tenantNos.Add(stream.TenantNo);
            streamNos.Add(stream.StreamNo);
            hours.Add(at * PostgresTime.PerHour);
        }

        if (hours.Count == 0)
            return;
        var command = new NpgsqlCommand("select iiot_data.mark_late($1, $2, $3)", connection);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.List(tenantNos, NpgsqlDbType.Integer));
        command.Parameters.Add(Parameter.List(streamNos, NpgsqlDbType.Integer));
        command.Parameters.Add(Parameter.List(hours, NpgsqlDbType.TimestampTz));
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }
}
