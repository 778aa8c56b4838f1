using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Retention;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Rollups;

internal sealed partial class RollupJob
{
    private const int FewestPerPortion = 16;
    private const int MostPerPortion = 4096;
    private const int PointsPerPortion = 500_000;

    private readonly RollupRows _rows = new();
    private int _portion = 128;

    /// <summary>Rolls up some hours of devices that are marked, of one day.</summary>
    /// <returns>Whether there were any.</returns>
    private async Task<bool> RollHoursAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var transaction = await BeginAsync(connection, cancellationToken).ConfigureAwait(false);
        await using var _ = transaction.ConfigureAwait(false);
        var hours = await TakePendingAsync(connection, cancellationToken).ConfigureAwait(false);
        if (hours is null)
            return false;
        if (hours.Count > 0)
        {
            _rows.Clear();
            var roller = new HourRoller(_rows);
            var count = await points.ReadAsync(connection, hours, roller, cancellationToken).ConfigureAwait(false);
            roller.Complete();
            var end = hours[^1].Start + PostgresTime.PerHour;
            await KeepAsync(connection, HoursThatStay, hours, hours[0].Start, end, cancellationToken).ConfigureAwait(false);
            _kept.UnionWith(roller.Skipped);
            await ReplaceHoursAsync(connection, hours, cancellationToken).ConfigureAwait(false);
            Points += count;
            Adapt(count);
        }

        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    private void Adapt(long count)
    {
        if (count > PointsPerPortion)
            _portion = Math.Max(_portion / 2, FewestPerPortion);
        else if (count < PointsPerPortion / 2)
            _portion = Math.Min(_portion * 2, MostPerPortion);
    }

    // All marks of the hours that are taken, whichever streams they are of. Marks of streams that are no more go too.
    // Taken first, and the frames read after it: a mark that is not seen here stays, and one that is seen has its frames committed.
    private async Task<List<DeviceHour>?> TakePendingAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(
            """
            with marks as materialized (
              select p.tenant_no, p.stream_no, p.hour, s.device_no
              from (
                select tenant_no, stream_no, hour from iiot_data.rollup_pending
                where hour < date_trunc('day', (select min(hour) from iiot_data.rollup_pending)) + interval '1 day'
                order by hour, tenant_no, stream_no limit $1) p
              left join iiot.telemetry_stream s on s.tenant_no = p.tenant_no and s.stream_no = p.stream_no),
            todo as materialized (select distinct tenant_no, device_no, hour from marks where device_no is not null),
            done as (
              delete from iiot_data.rollup_pending p using todo t, iiot.telemetry_stream s
              where s.tenant_no = t.tenant_no and s.device_no = t.device_no
                and p.tenant_no = t.tenant_no and p.stream_no = s.stream_no and p.hour = t.hour),
            orphaned as (
              delete from iiot_data.rollup_pending p using marks m
              where m.device_no is null and p.tenant_no = m.tenant_no and p.stream_no = m.stream_no and p.hour = m.hour),
            day as (
              insert into iiot_data.rollup_pending_day (tenant_no, device_no, day)
              select distinct tenant_no, device_no, date_trunc('day', hour) from todo on conflict do nothing)
            select tenant_no, device_no, hour from todo
            union all
            (select null, null, null from marks limit 1)
            """,
            connection
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Number(_portion));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        List<DeviceHour>? hours = null;
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            hours ??= [];
            if (!rows.IsDBNull(0))
                hours.Add(new DeviceHour(rows.GetInt32(0), rows.GetInt32(1), rows.GetFieldValue<long>(2)));
        }

        hours?.Sort(static (a, b) => (a.Start, a.TenantNo, a.DeviceNo).CompareTo((b.Start, b.TenantNo, b.DeviceNo)));
        return hours;
    }

    private async Task ReplaceHoursAsync(NpgsqlConnection connection, List<DeviceHour> hours, CancellationToken cancellationToken)
    {
        var (first, end) = (hours[0].Start, hours[^1].Start + PostgresTime.PerHour);
        await EnsureAsync(connection, first, [RetentionTier.Minute, RetentionTier.Hour], cancellationToken).ConfigureAwait(false);
        await DeleteAsync(connection, "hour", "bucket", hours, first, end, cancellationToken).ConfigureAwait(false);
        await DeleteAsync(connection, "minute", "hour", hours, first, end, cancellationToken).ConfigureAwait(false);
        await _rows.CopyAsync(connection, "hour", cancellationToken).ConfigureAwait(false);
        await _rows.CopyMinutesAsync(connection, cancellationToken).ConfigureAwait(false);
    }

    // By full key, one probe per metric that the device has ever had: by device and time alone it would read all of the device's month.
    private async Task DeleteAsync(
        NpgsqlConnection connection,
        string tier,
        string column,
        List<DeviceHour> hours,
        long first,
        long end,
        CancellationToken cancellationToken
    )
    {
        var command = new NpgsqlCommand(
            $"""
            delete from iiot_data.rollup_{tier} r
            using (
              select distinct w.t, w.d, w.h, m.no from unnest($1, $2, $3) w (t, d, h)
              join iiot.telemetry_stream s on s.tenant_no = w.t and s.device_no = w.d
              join iiot.telemetry_layout l on l.tenant_no = s.tenant_no and l.layout_no = s.layout_no
              cross join unnest(l.metric_nos) m (no)) k
            where r.tenant_no = k.t and r.device_no = k.d and r.metric_no = k.no and r.{column} = k.h and r.{column} >= $4 and r.{column} < $5
              and (k.t, k.d, k.no, k.h) not in (select * from unnest($6, $7, $8, $9) kept (t, d, m, h))
            """,
            connection
        );
        await using var _ = command.ConfigureAwait(false);
        JobParameters.Add(command.Parameters, hours);
        command.Parameters.Add(Parameter.Time(first));
        command.Parameters.Add(Parameter.Time(end));
        command.Parameters.Add(Parameter.Numbers([.. _kept.Select(one => one.TenantNo)]));
        command.Parameters.Add(Parameter.Numbers([.. _kept.Select(one => one.DeviceNo)]));
        command.Parameters.Add(Parameter.Numbers([.. _kept.Select(one => one.MetricNo)]));
        command.Parameters.Add(Parameter.Times([.. _kept.Select(one => one.Start)]));
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    // A portion is of one day, and so of one partition per tier. Asked every time: it costs little, and one may have been dropped.
    private async Task EnsureAsync(NpgsqlConnection connection, long at, RetentionTier[] tiers, CancellationToken cancellationToken)
    {
        foreach (var tier in tiers)
            await TierPartitions
                .EnsureAsync(connection, TierTable.Of(tier), PostgresTime.ToDateTime(at), options.Value, cancellationToken)
                .ConfigureAwait(false);
    }
}
