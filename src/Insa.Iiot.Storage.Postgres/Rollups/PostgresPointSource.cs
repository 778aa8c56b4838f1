using Insa.Iiot.Storage.Postgres.Diagnostics;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Reads points from frames and chunks.</summary>
internal sealed class PostgresPointSource(ILogger<PostgresPointSource> logger) : IPointSource
{
    // Bounds what is held of chunks, each of which is of a whole day.
    private const int HoursPerQuery = 256;

    public async Task<long> ReadAsync(
        NpgsqlConnection connection,
        IReadOnlyList<DeviceHour> hours,
        IPointVisitor visitor,
        CancellationToken cancellationToken
    )
    {
        var (points, damaged, damagedChunks) = (0L, 0L, 0L);
        foreach (var part in hours.Chunk(HoursPerQuery))
        {
            var reading = new HoursReading(part, visitor);
            await ReadAsync(connection, part, reading, cancellationToken).ConfigureAwait(false);
            points += reading.Points;
            damaged += reading.Damaged;
            damagedChunks += reading.DamagedChunks;
        }

        // One bad frame or chunk must not keep all others from being rolled up.
        if (damaged > 0)
            logger.DamagedFrames(damaged);
        if (damagedChunks > 0)
            logger.DamagedChunks(damagedChunks);
        return points;
    }

    private static async Task ReadAsync(
        NpgsqlConnection connection,
        DeviceHour[] hours,
        HoursReading reading,
        CancellationToken cancellationToken
    )
    {
        var first = hours.Min(hour => hour.Start);
        var end = hours.Max(hour => hour.Start) + PostgresTime.PerHour;
        var batch = new NpgsqlBatch(connection);
        await using var disposeBatch = batch.ConfigureAwait(false);

        // From here to the end of the transaction the partition is not emptied: what the chunks lack is still in the frames.
        // The range of all hours is there to choose the partitions when a statement is planned.
        Add(batch, "select from iiot_data.telemetry_frame where ts >= $1 and ts < $2 limit 1", first, end);
        AddWithHours(
            batch,
            """
            select s.tenant_no, s.stream_no, l.metric_nos
            from (select distinct t, d from unnest($1, $2, $3) w (t, d, h)) w
            join iiot.telemetry_stream s on s.tenant_no = w.t and s.device_no = w.d
            join iiot.telemetry_layout l on l.tenant_no = s.tenant_no and l.layout_no = s.layout_no
            """,
            hours
        );
        AddWithHours(
            batch,
            """
            select w.t, w.d, c.metric_no, c.t0, c.t1, c.d
            from (select distinct t, d from unnest($1, $2, $3) w (t, d, h)) w
            join iiot_data.telemetry_chunk c on c.tenant_no = w.t and c.device_no = w.d
              and c.t0 > $4::timestamptz - interval '1 day' and c.t0 < $5 and c.t1 >= $4
            """,
            hours,
            first,
            end
        );
        AddWithHours(
            batch,
            """
            select w.place, f.stream_no, f.ts, f.arrived_at, f.vals, f.extra
            from unnest($1, $2, $3) with ordinality w (t, d, h, place)
            cross join lateral (
              select array_agg(s.stream_no) nos from iiot.telemetry_stream s where s.tenant_no = w.t and s.device_no = w.d) s
            cross join lateral (
              select f.stream_no, f.ts, f.arrived_at, f.vals, f.extra from iiot_data.telemetry_frame f
              where f.tenant_no = w.t and f.stream_no = any(s.nos) and f.ts >= w.h and f.ts < w.h + interval '1 hour'
                and f.ts >= $4 and f.ts < $5
              order by f.ts) f
            """,
            hours,
            first,
            end
        );

        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            reading.AddStream(rows);
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            reading.AddChunk(rows);
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            reading.AddFrame(rows);
        reading.Complete();
    }

    private static void AddWithHours(NpgsqlBatch batch, string sql, DeviceHour[] hours, params ReadOnlySpan<long> times)
    {
        var command = new NpgsqlBatchCommand(sql);
        JobParameters.Add(command.Parameters, hours);
        foreach (var time in times)
            command.Parameters.Add(Parameter.Time(time));
        batch.BatchCommands.Add(command);
    }

    private static void Add(NpgsqlBatch batch, string sql, params ReadOnlySpan<long> times)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var time in times)
            command.Parameters.Add(Parameter.Time(time));
        batch.BatchCommands.Add(command);
    }
}
