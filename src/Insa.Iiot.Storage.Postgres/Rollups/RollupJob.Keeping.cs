using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Rollups;

internal sealed partial class RollupJob
{
    // What there is of minutes without an hour, no points can be known to cover.
    private const string HoursThatStay = """
        select k.t, k.d, k.no, k.h, coalesce(s.n, 0), s.first_ts, s.last_ts, s.n is null
        from (
          select w.t, w.d, w.h, m.no from unnest($1, $2, $3) w (t, d, h)
          join iiot.telemetry_stream s on s.tenant_no = w.t and s.device_no = w.d
          join iiot.telemetry_layout l on l.tenant_no = s.tenant_no and l.layout_no = s.layout_no
          cross join unnest(l.metric_nos) m (no)
          where exists (select from iiot_data.tier_whole where raw_from > $4)
          group by 1, 2, 3, 4) k
        join iiot_data.tier_whole z on z.tenant_no = k.t and z.metric_no = k.no and z.raw_from > k.h
        cross join lateral (
          select sum(r.n)::bigint as n, min(r.first_ts) as first_ts, max(r.last_ts) as last_ts from iiot_data.rollup_hour r
          where r.tenant_no = k.t and r.device_no = k.d and r.metric_no = k.no and r.bucket = k.h and r.bucket >= $4 and r.bucket < $5) s
        where s.n > 0 or exists (
          select from iiot_data.rollup_minute r
          where r.tenant_no = k.t and r.device_no = k.d and r.metric_no = k.no and r.hour = k.h and r.hour >= $4 and r.hour < $5)
        """;

    private const string DaysThatStay = """
        select r.tenant_no, r.device_no, r.metric_no, r.bucket, sum(r.n)::bigint, min(r.first_ts), max(r.last_ts), false
        from unnest($1, $2, $3) w (t, d, h)
        join iiot_data.tier_whole z on z.tenant_no = w.t and z.hour_from > w.h
        join iiot_data.rollup_day r
          on r.tenant_no = w.t and r.device_no = w.d and r.metric_no = z.metric_no and r.bucket = w.h and r.bucket >= $4 and r.bucket < $5
        where exists (select from iiot_data.tier_whole where hour_from > $4)
        group by 1, 2, 3, 4
        """;

    // The buckets that stay as they are in the transaction at hand.
    private readonly HashSet<(int TenantNo, int DeviceNo, int MetricNo, long Start)> _kept = [];

    // Where rows have been deleted of which a bucket was made, it says more than what is left of them, or than what came late. It is made again
    // only of what covers it. Asked after the rows were read: what was gone then is known to be gone now.
    private async Task KeepAsync(
        NpgsqlConnection connection,
        string sql,
        List<DeviceHour> buckets,
        long first,
        long end,
        CancellationToken cancellationToken
    )
    {
        _kept.Clear();
        var command = new NpgsqlCommand(sql, connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        JobParameters.Add(command.Parameters, buckets);
        command.Parameters.Add(Parameter.Time(first));
        command.Parameters.Add(Parameter.Time(end));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        Dictionary<(int, int, int, long), RollupStats>? made = null;
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var key = (rows.GetInt32(0), rows.GetInt32(1), rows.GetInt32(2), rows.GetFieldValue<long>(3));
            made ??= _rows.Totals();
            var isCovered =
                !rows.GetBoolean(7)
                && made.GetValueOrDefault(key)
                    .Covers(
                        new RollupStats
                        {
                            Count = rows.GetInt64(4),
                            FirstTime = rows.GetFieldValue<long>(5),
                            LastTime = rows.GetFieldValue<long>(6),
                        }
                    );
            if (!isCovered)
                _kept.Add(key);
        }

        _rows.Remove(_kept);
    }
}
