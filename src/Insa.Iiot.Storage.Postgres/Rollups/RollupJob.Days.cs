using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Rollups;

internal sealed partial class RollupJob
{
    private const int DaysPerPortion = 512;

    /// <summary>Rolls up some days of devices that are closed and marked, all of one date, from their hours.</summary>
    /// <returns>Whether there were any.</returns>
    private async Task<bool> RollDaysAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var transaction = await BeginAsync(connection, cancellationToken).ConfigureAwait(false);
        await using var _ = transaction.ConfigureAwait(false);
        var days = await TakePendingDaysAsync(connection, cancellationToken).ConfigureAwait(false);
        if (days.Count == 0)
            return false;
        var day = days[0].Start;
        _rows.Clear();
        await ReadDaysAsync(connection, days, cancellationToken).ConfigureAwait(false);
        await KeepAsync(connection, DaysThatStay, days, day, day + PostgresTime.PerDay, cancellationToken).ConfigureAwait(false);
        await EnsureAsync(connection, day, [RetentionTier.Day], cancellationToken).ConfigureAwait(false);
        await DeleteAsync(connection, "day", "bucket", days, day, day + PostgresTime.PerDay, cancellationToken).ConfigureAwait(false);
        await _rows.CopyAsync(connection, "day", cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    private static async Task<List<DeviceHour>> TakePendingDaysAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(
            """
            delete from iiot_data.rollup_pending_day where ctid = any(array(
              select p.ctid from iiot_data.rollup_pending_day p
              where p.day = (select min(day) from iiot_data.rollup_pending_day)
                and p.day + interval '1 day' <= (select closed_before from iiot_data.telemetry_state)
              limit $1))
            returning tenant_no, device_no, day
            """,
            connection
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Number(DaysPerPortion));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var days = new List<DeviceHour>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            days.Add(new DeviceHour(rows.GetInt32(0), rows.GetInt32(1), rows.GetFieldValue<long>(2)));
        return days;
    }

    // Merged here and not by the server, so that a day comes to the same as its hours do when they are read: NaN, infinities, order of adding.
    private async Task ReadDaysAsync(NpgsqlConnection connection, List<DeviceHour> days, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(
            """
            select r.tenant_no, r.device_no, r.metric_no, r.quality, r.n, r.sum, r.sum_squares, r.min, r.max, r.first, r.last, r.first_ts, r.last_ts
            from (
              select distinct w.t, w.d, m.no from unnest($1, $2, $3) w (t, d, h)
              join iiot.telemetry_stream s on s.tenant_no = w.t and s.device_no = w.d
              join iiot.telemetry_layout l on l.tenant_no = s.tenant_no and l.layout_no = s.layout_no
              cross join unnest(l.metric_nos) m (no)) k
            cross join lateral (
              select * from iiot_data.rollup_hour r
              where r.tenant_no = k.t and r.device_no = k.d and r.metric_no = k.no and r.bucket >= $4 and r.bucket < $5
              order by r.quality, r.bucket) r
            """,
            connection
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        JobParameters.Add(command.Parameters, days);
        command.Parameters.Add(Parameter.Time(days[0].Start));
        command.Parameters.Add(Parameter.Time(days[0].Start + PostgresTime.PerDay));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        RollupRow? open = null;
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var next = new RollupRow(
                rows.GetInt32(0),
                rows.GetInt32(1),
                rows.GetInt32(2),
                rows.GetInt16(3),
                days[0].Start,
                RollupColumns.Read(rows, 4)
            );
            if (open is { } row && row with { Stats = default } == next with { Stats = default })
            {
                var stats = row.Stats;
                stats.Merge(next.Stats);
                open = row with { Stats = stats };
                continue;
            }

            if (open is { } ended)
                _rows.Add(ended);
            open = next;
        }

        if (open is { } last)
            _rows.Add(last);
    }
}
