using System.Globalization;
using System.Text;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>The rollups of some series, and how far they can be relied on, as of one instant.</summary>
internal sealed class RollupAnswer
{
    private const string NoStats = "0::float8, 0::float8, 0::float8, 0::float8, 0::float8, 0::float8, null::timestamptz, null::timestamptz";
    private const string NoRow = $"0::bigint, {NoStats}";

    private readonly SeriesRollups[] _series;

    private RollupAnswer(int series) => _series = [.. Enumerable.Range(0, series).Select(_ => new SeriesRollups())];

    /// <summary>Hours before it are closed.</summary>
    public long ClosedBefore { get; private set; } = long.MinValue;

    public SeriesRollups this[int series] => _series[series];

    /// <summary>Reads it in one statement, and so of one snapshot.</summary>
    public static async Task<RollupAnswer> ReadAsync(
        PostgresDatabase database,
        TenantId tenant,
        IReadOnlyList<DeviceStreams> series,
        RollupPlan plan,
        CancellationToken cancellationToken
    )
    {
        var answer = new RollupAnswer(series.Count);
        var parameters = new List<NpgsqlParameter>();
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        batch.Add(Sql(series, plan, parameters), parameters.ToArray());
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var closing = new List<long>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            answer.Add(rows, closing);
        foreach (var one in answer._series)
        {
            one.ChangedHours.UnionWith(closing);
            one.Complete();
        }

        return answer;
    }

    private void Add(NpgsqlDataReader rows, List<long> closing)
    {
        var (place, at) = (rows.GetInt32(1), rows.GetFieldValue<long>(2));
        switch ((Kind)rows.GetInt32(0))
        {
            case Kind.State:
                ClosedBefore = at;
                break;
            case Kind.Closing:
                closing.Add(at);
                break;
            case Kind.ChangedHour:
                _series[place].ChangedHours.Add(at);
                break;
            case Kind.ChangedDay:
                _series[place].ChangedDays.Add(at);
                break;
            case Kind.Whole:
                _series[place].SetWholeFrom((RollupTier)rows.GetInt64(3), at);
                break;
            case Kind.Minutes:
                _series[place].AddMinutes(at, rows.GetFieldValue<byte[]>(12));
                break;
            case Kind.Hour:
                _series[place].Add(RollupTier.Hour, at, RollupColumns.Read(rows, 3));
                break;
            case Kind.Day:
                _series[place].Add(RollupTier.Day, at, RollupColumns.Read(rows, 3));
                break;
        }
    }

    // kind, place, at, n ... last_ts, minutes
    private static string Sql(IReadOnlyList<DeviceStreams> series, RollupPlan plan, List<NpgsqlParameter> parameters)
    {
        var streams = series.SelectMany((one, place) => one.StreamNos.Select(streamNo => (Place: place, StreamNo: streamNo))).ToList();
        parameters.Add(Parameter.Numbers([.. series.Select(one => one.DeviceNo!.Value)]));
        parameters.Add(Parameter.Numbers([.. series.Select(one => one.MetricNos[0])]));
        parameters.Add(Parameter.Numbers([.. streams.Select(stream => stream.Place)]));
        parameters.Add(Parameter.Numbers([.. streams.Select(stream => stream.StreamNo)]));
        parameters.Add(Parameter.Time(plan.Range.Start));
        parameters.Add(Parameter.Time(plan.Range.End));
        var sql = new StringBuilder();
        sql.Append(
            CultureInfo.InvariantCulture,
            $"""
            select {(int)Kind.State}, 0, closed_before, {NoRow}, null::bytea from iiot.rollup_state
            union all
            select {(int)Kind.Closing}, 0, hour, {NoRow}, null from iiot.rollup_closing
            where hour >= $5::timestamptz - interval '1 day' and hour < $6::timestamptz + interval '1 day'
            union all
            select distinct {(int)Kind.ChangedHour}, s.place, p.hour, {NoRow}, null::bytea
            from unnest($3, $4) s (place, no) join iiot.rollup_pending p
              on p.tenant_no = {TenantBatch.Number} and p.stream_no = s.no
              and p.hour >= $5::timestamptz - interval '1 day' and p.hour < $6::timestamptz + interval '1 day'
            union all
            select {(int)Kind.ChangedDay}, s.place::int - 1, p.day, {NoRow}, null
            from unnest($1) with ordinality s (device, place) join iiot.rollup_pending_day p
              on p.tenant_no = {TenantBatch.Number} and p.device_no = s.device
              and p.day >= $5::timestamptz - interval '1 day' and p.day < $6
            union all
            select {(int)Kind.Whole}, s.place::int - 1, t.whole_from, t.tier::bigint, {NoStats}, null
            from unnest($2) with ordinality s (metric, place)
            join iiot.tier_whole w on w.tenant_no = {TenantBatch.Number} and w.metric_no = s.metric
            cross join lateral (values
              ({(int)RollupTier.Raw}, w.raw_from), ({(int)RollupTier.Minute}, w.minute_from),
              ({(int)RollupTier.Hour}, w.hour_from), ({(int)RollupTier.Day}, w.day_from)) t (tier, whole_from)
            """
        );
        foreach (var range in plan.Days)
            Append(sql, Kind.Day, "rollup_day", "bucket", range, parameters);
        foreach (var range in plan.Hours)
            Append(sql, Kind.Hour, "rollup_hour", "bucket", range, parameters);
        foreach (var range in plan.Minutes)
            Append(sql, Kind.Minutes, "rollup_minute", "hour", range, parameters);
        return sql.ToString();
    }

    private static void Append(StringBuilder sql, Kind kind, string table, string column, TimeRange range, List<NpgsqlParameter> parameters)
    {
        parameters.Add(Parameter.Time(range.Start));
        parameters.Add(Parameter.Time(range.End));
        var (columns, class_, last) =
            kind == Kind.Minutes ? (NoRow, "", "r.minutes") : (RollupColumns.Names, $"and quality < {RollupQuality.Bad}", "null");

        // By offset 0 each series is looked up by itself, along the index. An order by would do so too, but sort what comes in order: a third
        // of the time. Who takes the rows puts them in order if need be.
        sql.Append(
            CultureInfo.InvariantCulture,
            $"""

            union all
            select {(int)kind}, s.place::int - 1, r.{column}, {columns}, {last}
            from unnest($1, $2) with ordinality s (device, metric, place) cross join lateral (
              select * from iiot.{table}
              where tenant_no = {TenantBatch.Number} and device_no = s.device and metric_no = s.metric
                and {column} >= ${parameters.Count - 1} and {column} < ${parameters.Count} {class_}
              offset 0) r
            """
        );
    }

    private enum Kind
    {
        State,
        Closing,
        ChangedHour,
        ChangedDay,
        Whole,
        Minutes,
        Hour,
        Day,
    }
}
