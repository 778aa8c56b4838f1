using System.Globalization;
using System.Runtime.CompilerServices;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>Reads all that a span holds of some streams: its frames, and the chunks that they join.</summary>
internal static class SpanReader
{
    /// <summary>From here on every write to the span leaves a mark: the old ones are taken away.</summary>
    public static async Task WatchAsync(NpgsqlConnection connection, PartitionSpan span, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand("delete from iiot_data.late_write where hour >= $1 and hour < $2", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Time(span.Starts));
        command.Parameters.Add(Parameter.Time(span.Ends));
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads all that a span holds, in portions that fit into memory.</summary>
    /// <param name="connection">Where it is read.</param>
    /// <param name="span">The span.</param>
    /// <param name="next">Says where the next portion goes.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="TelemetryStoreException">A device has said more than fits into memory.</exception>
    public static async IAsyncEnumerable<CompactionWork> ReadAsync(
        NpgsqlConnection connection,
        PartitionSpan span,
        Func<CompactionWork> next,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        foreach (var streams in await SpanStreams.FindAsync(connection, span, cancellationToken).ConfigureAwait(false))
        {
            var portions = new Stack<List<SpanStreams.Stream>>(streams.Portions());
            while (portions.TryPop(out var portion))
            {
                var work = next();
                work.Begin(streams.TenantNo, portion);
                if (await TryReadAsync(connection, span, work, cancellationToken).ConfigureAwait(false))
                {
                    yield return work;
                    continue;
                }

                // The chunks that the frames join were not counted.
                var (first, second) = SpanStreams.Halve(portion);
                portions.Push(first);
                portions.Push(second);
            }
        }
    }

    /// <returns><see langword="false"/> if it is more than the work can hold.</returns>
    private static async Task<bool> TryReadAsync(
        NpgsqlConnection connection,
        PartitionSpan span,
        CompactionWork work,
        CancellationToken cancellationToken
    )
    {
        await ReadFramesAsync(connection, span, work, cancellationToken).ConfigureAwait(false);
        if (!work.IsFull)
            await MergeChunksAsync(connection, span, work, cancellationToken).ConfigureAwait(false);
        return !work.IsFull;
    }

    // The numbers are ours: nothing of a name goes into the text of a COPY, which takes no parameters. In no order: the server would sort on disk
    // what comes by the index or as it arrived, nearly all of it by time in either case, and the few series that are not are sorted here.
    private static async Task ReadFramesAsync(
        NpgsqlConnection connection,
        PartitionSpan span,
        CompactionWork work,
        CancellationToken cancellationToken
    )
    {
        var sql = string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            COPY (select stream_no, ts, arrived_at, vals, extra from iiot_data.telemetry_frame
            where tenant_no = {{work.TenantNo}} and stream_no = any ('{{{string.Join(',', work.StreamNos)}}}')
              and ts >= '{{span.Starts:O}}' and ts < '{{span.Ends:O}}') TO STDOUT (FORMAT BINARY)
            """
        );
        var rows = new RawRows(await connection.BeginRawBinaryCopyAsync(sql, cancellationToken).ConfigureAwait(false));
        await using var disposeRows = rows.ConfigureAwait(false);
        while (!work.IsFull && await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            work.AddFrame(rows.GetInt32(0), rows.GetInt64(1), rows.GetInt64(2), rows.Field(3), rows.Field(4));
    }

    // Only of series that have frames: the others stay as they are.
    private static async Task MergeChunksAsync(
        NpgsqlConnection connection,
        PartitionSpan span,
        CompactionWork work,
        CancellationToken cancellationToken
    )
    {
        if (work.IsEmpty)
            return;
        var command = new NpgsqlCommand(
            """
            select c.device_no, c.metric_no, c.d from unnest($2, $3) s (device_no, metric_no)
            join iiot_data.telemetry_chunk c on c.tenant_no = $1 and c.device_no = s.device_no and c.metric_no = s.metric_no and c.t0 = $4
            """,
            connection
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        AddKeys(command, span, work);
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        while (!work.IsFull && await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            work.AddChunk(rows.GetInt32(0), rows.GetInt32(1), rows.GetFieldValue<byte[]>(2));
    }

    public static void AddKeys(NpgsqlCommand command, PartitionSpan span, CompactionWork work)
    {
        var (devices, metrics) = work.Keys();
        command.Parameters.Add(Parameter.Number(work.TenantNo));
        command.Parameters.Add(Parameter.Numbers(devices));
        command.Parameters.Add(Parameter.Numbers(metrics));
        command.Parameters.Add(Parameter.Time(span.Starts));
    }
}
