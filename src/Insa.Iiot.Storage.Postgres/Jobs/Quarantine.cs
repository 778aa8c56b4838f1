using Insa.Iiot.Storage.Postgres.Diagnostics;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>Where frames and chunks go that cannot be read, so that they keep nothing else from being compacted.</summary>
/// <remarks>
/// What is set aside counts as gone: <c>tier_whole.raw_from</c> moves behind it, so that its hours are made again only of points that cover
/// them. Hours beside a chunk that could not be rolled up for it are marked.
/// </remarks>
internal sealed class Quarantine(PostgresMetrics metrics, ILogger<Quarantine> logger)
{
    /// <summary>Sets aside what could not be read of a portion.</summary>
    /// <returns>How many frames and chunks that were; those that are set aside already do not count.</returns>
    public static async Task<(long Frames, long Chunks)> SetAsideAsync(
        NpgsqlConnection connection,
        PartitionSpan span,
        CompactionWork work,
        CancellationToken cancellationToken
    )
    {
        var (frames, chunks) = (0L, 0L);
        if (work.UnreadableFrames.Count > 0)
            frames = await AddFramesAsync(connection, work.TenantNo, span, work.UnreadableFrames, cancellationToken).ConfigureAwait(false);
        if (work.UnreadableChunks.Count > 0)
            chunks = await MoveChunksAsync(connection, work.TenantNo, span, work.UnreadableChunks, cancellationToken).ConfigureAwait(false);
        return (frames, chunks);
    }

    /// <summary>Counts and logs what was set aside, once that is committed.</summary>
    public void Report(PartitionSpan span, (long Frames, long Chunks) aside)
    {
        if (aside == default)
            return;
        metrics.SetAside("frame", aside.Frames);
        metrics.SetAside("chunk", aside.Chunks);
        logger.SetAside(aside.Frames, aside.Chunks, span.Starts);
    }

    // They stay in their partition, which is emptied or dropped soon after.
    private static async Task<long> AddFramesAsync(
        NpgsqlConnection connection,
        int tenantNo,
        PartitionSpan span,
        IReadOnlyList<(int StreamNo, long Time, long Arrived)> frames,
        CancellationToken cancellationToken
    )
    {
        var command = new NpgsqlCommand(
            """
            with aside as (
              insert into iiot_data.quarantine
                (tenant_no, reason, device_no, metric_nos, starts, ends, stream_no, arrived_at, bytes, extra)
              select f.tenant_no, 'The frame is not of its stream''s layout', s.device_no, l.metric_nos, f.ts, f.ts + interval '1 microsecond',
                f.stream_no, f.arrived_at, f.vals, f.extra
              from unnest($2, $3, $4) k (stream_no, ts, arrived_at)
              join iiot_data.telemetry_frame f on f.tenant_no = $1 and f.stream_no = k.stream_no and f.ts = k.ts and f.arrived_at = k.arrived_at
                and f.ts >= $5 and f.ts < $6
              join iiot.telemetry_stream s on s.tenant_no = f.tenant_no and s.stream_no = f.stream_no
              join iiot.telemetry_layout l on l.tenant_no = s.tenant_no and l.layout_no = s.layout_no
              on conflict do nothing returning metric_nos, ends),
            whole as (
              insert into iiot_data.tier_whole as w (tenant_no, metric_no, raw_from)
              select $1, m.no, max(a.ends) from aside a cross join unnest(a.metric_nos) m (no) group by m.no order by m.no
              on conflict (tenant_no, metric_no) do update set raw_from = greatest(w.raw_from, excluded.raw_from))
            select count(*) from aside
            """,
            connection
        )
        {
            CommandTimeout = 0,
        };
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Number(tenantNo));
        command.Parameters.Add(Parameter.Numbers([.. frames.Select(frame => frame.StreamNo)]));
        command.Parameters.Add(Parameter.Times([.. frames.Select(frame => frame.Time)]));
        command.Parameters.Add(Parameter.Times([.. frames.Select(frame => frame.Arrived)]));
        command.Parameters.Add(Parameter.Time(span.Starts));
        command.Parameters.Add(Parameter.Time(span.Ends));
        return (long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    // The hours of the frames that join them are marked.
    private static async Task<long> MoveChunksAsync(
        NpgsqlConnection connection,
        int tenantNo,
        PartitionSpan span,
        IReadOnlyList<(int DeviceNo, int MetricNo)> chunks,
        CancellationToken cancellationToken
    )
    {
        var command = new NpgsqlCommand(
            """
            with gone as (
              delete from iiot_data.telemetry_chunk c using unnest($2, $3) k (device_no, metric_no)
              where c.tenant_no = $1 and c.device_no = k.device_no and c.metric_no = k.metric_no and c.t0 = $4
              returning c.device_no, c.metric_no, c.t0, c.t1 + interval '1 microsecond' as ends, c.d),
            aside as (
              insert into iiot_data.quarantine (tenant_no, reason, device_no, metric_nos, starts, ends, bytes)
              select $1, 'The chunk does not decode', device_no, array[metric_no], t0, ends, d from gone),
            whole as (
              insert into iiot_data.tier_whole as w (tenant_no, metric_no, raw_from)
              select $1, metric_no, max(ends) from gone group by metric_no order by metric_no
              on conflict (tenant_no, metric_no) do update set raw_from = greatest(w.raw_from, excluded.raw_from)),
            marked as (
              insert into iiot_data.rollup_pending (tenant_no, stream_no, hour)
              select distinct $1, f.stream_no, date_bin('1 hour', f.ts, timestamptz '2000-01-01 00:00:00+00')
              from gone g
              join iiot.telemetry_stream s on s.tenant_no = $1 and s.device_no = g.device_no
              join iiot.telemetry_layout l on l.tenant_no = s.tenant_no and l.layout_no = s.layout_no and g.metric_no = any (l.metric_nos)
              join iiot_data.telemetry_frame f on f.tenant_no = s.tenant_no and f.stream_no = s.stream_no and f.ts >= $4 and f.ts < $5
              on conflict do nothing)
            select count(*) from gone
            """,
            connection
        )
        {
            CommandTimeout = 0,
        };
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Number(tenantNo));
        command.Parameters.Add(Parameter.Numbers([.. chunks.Select(chunk => chunk.DeviceNo)]));
        command.Parameters.Add(Parameter.Numbers([.. chunks.Select(chunk => chunk.MetricNo)]));
        command.Parameters.Add(Parameter.Time(span.Starts));
        command.Parameters.Add(Parameter.Time(span.Ends));
        return (long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }
}
