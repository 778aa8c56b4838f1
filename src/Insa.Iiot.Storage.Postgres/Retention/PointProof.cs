using Insa.Iiot.Storage.Postgres.Chunks;
using Insa.Iiot.Storage.Postgres.Rollups;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Rolls points of one tenant up once more, and compares the hours with those that are stored: bit by bit, in every class.</summary>
/// <param name="connection">Where the stored hours are read.</param>
/// <param name="now">The time of the run.</param>
/// <param name="hourRetention">How long hours are kept where no policy says otherwise.</param>
internal sealed class PointProof(NpgsqlConnection connection, DateTime now, TimeSpan? hourRetention)
{
    private readonly RollupRows _made = new();
    private readonly HashSet<(int DeviceNo, int MetricNo)> _series = [];
    private int _tenantNo;

    public void Begin(int tenantNo)
    {
        _tenantNo = tenantNo;
        _made.Clear();
        _series.Clear();
    }

    public void Add(int deviceNo, int metricNo, SeriesColumns columns)
    {
        _series.Add((deviceNo, metricNo));
        var roller = new HourRoller(_made);
        var open = long.MinValue;
        for (var i = 0; i < columns.Count; i++)
        {
            var hour = PostgresTime.FloorDivide(columns.Times[i], PostgresTime.PerHour) * PostgresTime.PerHour;
            if (hour != open)
                roller.Begin(new DeviceHour(_tenantNo, deviceNo, open = hour));
            roller.Add(metricNo, columns.Times[i], long.MinValue, columns.Kinds[i], columns.Bits[i], columns.Qualities[i]);
        }

        roller.Complete();
    }

    /// <summary>Finds the hours that the rollups do not know, or of which they say something else.</summary>
    /// <remarks>An hour of which points have gone before may say something else, as long as it is not one that would be made again.</remarks>
    public async Task<List<(int DeviceNo, int MetricNo, long Start)>> FindDifferentAsync(CancellationToken cancellationToken)
    {
        if (_made.Rows.Count == 0)
            return [];
        var made = ByHour(_made.Rows);
        var terms = await ReadTermsAsync(cancellationToken).ConfigureAwait(false);
        var stored = ByHour(await ReadStoredAsync(cancellationToken).ConfigureAwait(false));
        var none = new RollupStats[RollupQuality.Classes];
        return
        [
            .. made.Where(hour =>
                {
                    var (rawFrom, hoursFrom) = terms.GetValueOrDefault(hour.Key.MetricNo, (long.MinValue, long.MinValue));
                    var other = stored.GetValueOrDefault(hour.Key, none);
                    var isDue = hour.Key.Start + PostgresTime.PerHour <= hoursFrom;
                    var knowsOfMore = hour.Key.Start < rawFrom && !Total(hour.Value).Covers(Total(other));
                    return !isDue && !knowsOfMore && !hour.Value.AsSpan().SequenceEqual(other);
                })
                .Select(hour => hour.Key),
        ];
    }

    private static Dictionary<(int DeviceNo, int MetricNo, long Start), RollupStats[]> ByHour(IEnumerable<RollupRow> rows)
    {
        var hours = new Dictionary<(int, int, long), RollupStats[]>();
        foreach (var row in rows)
        {
            var key = (row.DeviceNo, row.MetricNo, row.Bucket);
            if (!hours.TryGetValue(key, out var classes))
                hours.Add(key, classes = new RollupStats[RollupQuality.Classes]);
            classes[row.Quality] = row.Stats;
        }

        return hours;
    }

    private static RollupStats Total(RollupStats[] classes)
    {
        var total = default(RollupStats);
        foreach (var stats in classes)
            total.Merge(stats);
        return total;
    }

    // From when on all points of a metric are there, and from when on its hours are kept.
    private async Task<Dictionary<int, (long RawFrom, long HoursFrom)>> ReadTermsAsync(CancellationToken cancellationToken)
    {
        var command = Command(
            """
            select m.metric_no, coalesce(z.raw_from, '-infinity'), coalesce($3 - iiot_data.keep(m.tenant_no, m.name, 'hour', $4), '-infinity')
            from iiot.telemetry_metric m
            left join iiot_data.tier_whole z on z.tenant_no = m.tenant_no and z.metric_no = m.metric_no
            where m.tenant_no = $1 and m.metric_no = any ($2)
            """
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Number(_tenantNo));
        command.Parameters.Add(Parameter.Numbers([.. _series.Select(series => series.MetricNo).Distinct()]));
        command.Parameters.Add(Parameter.Time(now));
        command.Parameters.Add(Parameter.Interval(hourRetention));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var terms = new Dictionary<int, (long, long)>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            terms.Add(rows.GetInt32(0), (rows.GetFieldValue<long>(1), rows.GetFieldValue<long>(2)));
        return terms;
    }

    private async Task<List<RollupRow>> ReadStoredAsync(CancellationToken cancellationToken)
    {
        var command = Command(
            $"""
            select r.device_no, r.metric_no, r.quality, r.bucket, {RollupColumns.Names}
            from unnest($2, $3) s (device_no, metric_no)
            join iiot_data.rollup_hour r
              on r.tenant_no = $1 and r.device_no = s.device_no and r.metric_no = s.metric_no and r.bucket >= $4 and r.bucket <= $5
            """
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Number(_tenantNo));
        command.Parameters.Add(Parameter.Numbers([.. _series.Select(series => series.DeviceNo)]));
        command.Parameters.Add(Parameter.Numbers([.. _series.Select(series => series.MetricNo)]));
        command.Parameters.Add(Parameter.Time(_made.Rows.Min(row => row.Bucket)));
        command.Parameters.Add(Parameter.Time(_made.Rows.Max(row => row.Bucket)));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var stored = new List<RollupRow>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            stored.Add(
                new RollupRow(
                    _tenantNo,
                    rows.GetInt32(0),
                    rows.GetInt32(1),
                    rows.GetInt16(2),
                    rows.GetFieldValue<long>(3),
                    RollupColumns.Read(rows, 4)
                )
            );
        return stored;
    }

    private NpgsqlCommand Command(string sql) => new(sql, connection) { CommandTimeout = 0 };
}
