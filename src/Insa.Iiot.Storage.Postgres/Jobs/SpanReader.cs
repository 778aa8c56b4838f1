using System.Globalization;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>Reads all that a span holds of some streams: its frames, and the chunks that they join.</summary>
internal static class SpanReader
{
    /// <summary>Reads the frames of the work's streams, and the chunks that they join.</summary>
    /// <returns><see langword="false"/> if that is more than the work can hold.</returns>
    public static async Task<bool> TryReadAsync(
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

    // The numbers are ours: nothing of a name goes into the text of a COPY, which takes no parameters.
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
              and ts >= '{{span.Starts:O}}' and ts < '{{span.Ends:O}}' order by stream_no, ts) TO STDOUT (FORMAT BINARY)
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
