using System.Diagnostics.CodeAnalysis;
using Insa.Iiot.Storage.Postgres.Chunks;
using Insa.Iiot.Storage.Postgres.Rollups;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Rolls points of one tenant up once more, and compares the hours and minutes with those that are stored: bit by bit, in every class.</summary>
/// <param name="connection">Where the stored ones are read.</param>
/// <param name="now">The time of the run.</param>
/// <param name="options">Say how long hours and minutes are kept where no policy says otherwise.</param>
internal sealed class PointProof(NpgsqlConnection connection, DateTime now, PostgresStorageOptions options)
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

    /// <summary>Finds the hours that the rollups do not know, or of which, or of whose minutes, they say something else.</summary>
    /// <remarks>An hour of which points have gone before may say something else, as long as it is not one that would be made again.</remarks>
    public async Task<HashSet<(int DeviceNo, int MetricNo, long Start)>> FindDifferentAsync(CancellationToken cancellationToken)
    {
        var different = new HashSet<(int, int, long)>();
        if (_made.Rows.Count == 0)
            return different;
        var terms = await ReadTermsAsync(cancellationToken).ConfigureAwait(false);
        var made = ByHour(_made.Rows);
        var hours = ByHour(await ReadStoredAsync(cancellationToken).ConfigureAwait(false));
        var none = new RollupStats[RollupQuality.Classes];
        foreach (var (hour, classes) in made)
        {
            var of = terms.GetValueOrDefault(hour.MetricNo, Terms.None);
            var stored = hours.GetValueOrDefault(hour, none);
            if (
                !of.AreHoursDue(hour.Start)
                && !of.KnowOfMore(hour.Start, Total(classes), Total(stored))
                && !classes.AsSpan().SequenceEqual(stored)
            )
                different.Add(hour);
        }

        var minutes = await ReadStoredMinutesAsync(cancellationToken).ConfigureAwait(false);
        foreach (var (of, metricNo, packed) in _made.Minutes)
        {
            var hour = (of.DeviceNo, metricNo, of.Start);
            var stored = minutes.GetValueOrDefault(hour) ?? [];
            var term = terms.GetValueOrDefault(metricNo, Terms.None);
            if (
                !term.AreMinutesDue(of.Start)
                && !packed.Span.SequenceEqual(stored)
                && !(MinuteCodec.TryTotal(stored, of.Start, out var total) && term.KnowOfMore(of.Start, Total(made[hour]), total))
            )
                different.Add(hour);
        }

        return different;
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

    private async Task<Dictionary<int, Terms>> ReadTermsAsync(CancellationToken cancellationToken)
    {
        var command = Command(
            """
            select m.metric_no, coalesce(z.raw_from, '-infinity'),
              coalesce($3 - iiot_data.keep(m.tenant_no, m.name, 'hour', $4), '-infinity'),
              coalesce($3 - iiot_data.keep(m.tenant_no, m.name, 'minute', $5), '-infinity')
            from iiot.telemetry_metric m
            left join iiot_data.tier_whole z on z.tenant_no = m.tenant_no and z.metric_no = m.metric_no
            where m.tenant_no = $1 and m.metric_no = any ($2)
            """
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Number(_tenantNo));
        command.Parameters.Add(Parameter.Numbers([.. _series.Select(series => series.MetricNo).Distinct()]));
        command.Parameters.Add(Parameter.Time(now));
        command.Parameters.Add(Parameter.Interval(options.HourRetention));
        command.Parameters.Add(Parameter.Interval(options.MinuteRetention));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var terms = new Dictionary<int, Terms>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            terms.Add(rows.GetInt32(0), new Terms(rows.GetFieldValue<long>(1), rows.GetFieldValue<long>(2), rows.GetFieldValue<long>(3)));
        return terms;
    }

    private async Task<List<RollupRow>> ReadStoredAsync(CancellationToken cancellationToken)
    {
        var command = StoredCommand($"r.device_no, r.metric_no, r.quality, r.bucket, {RollupColumns.Names}", "rollup_hour", "bucket");
        await using var disposeCommand = command.ConfigureAwait(false);
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

    private async Task<Dictionary<(int, int, long), byte[]>> ReadStoredMinutesAsync(CancellationToken cancellationToken)
    {
        var command = StoredCommand("r.device_no, r.metric_no, r.hour, r.minutes", "rollup_minute", "hour");
        await using var disposeCommand = command.ConfigureAwait(false);
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var stored = new Dictionary<(int, int, long), byte[]>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            stored.Add((rows.GetInt32(0), rows.GetInt32(1), rows.GetFieldValue<long>(2)), rows.GetFieldValue<byte[]>(3));
        return stored;
    }

    private NpgsqlCommand StoredCommand(string columns, string table, string start)
    {
        var command = Command(
            $"""
            select {columns} from unnest($2, $3) s (device_no, metric_no)
            join iiot_data.{table} r
              on r.tenant_no = $1 and r.device_no = s.device_no and r.metric_no = s.metric_no and r.{start} >= $4 and r.{start} <= $5
            """
        );
        command.Parameters.Add(Parameter.Number(_tenantNo));
        command.Parameters.Add(Parameter.Numbers([.. _series.Select(series => series.DeviceNo)]));
        command.Parameters.Add(Parameter.Numbers([.. _series.Select(series => series.MetricNo)]));
        command.Parameters.Add(Parameter.Time(_made.Rows.Min(row => row.Bucket)));
        command.Parameters.Add(Parameter.Time(_made.Rows.Max(row => row.Bucket)));
        return command;
    }

    [SuppressMessage("Security", "CA2100", Justification = "The texts are made of constants alone.")]
    private NpgsqlCommand Command(string sql) => new(sql, connection) { CommandTimeout = 0 };

    /// <summary>What is kept of a metric.</summary>
    /// <param name="RawFrom">From when on all its points are there.</param>
    /// <param name="HoursFrom">From when on its hours are kept.</param>
    /// <param name="MinutesFrom">From when on its minutes are kept.</param>
    private readonly record struct Terms(long RawFrom, long HoursFrom, long MinutesFrom)
    {
        public static readonly Terms None = new(long.MinValue, long.MinValue, long.MinValue);

        public bool AreHoursDue(long hour) => hour + PostgresTime.PerHour <= HoursFrom;

        public bool AreMinutesDue(long hour) => hour + PostgresTime.PerHour <= MinutesFrom;

        // Points have gone, and what is stored was made of them too.
        public bool KnowOfMore(long hour, in RollupStats made, in RollupStats stored) => hour < RawFrom && !made.Covers(stored);
    }
}
