using System.Runtime.CompilerServices;
using Insa.Iiot.Storage.Postgres.Telemetry;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Makes buckets of rollups where these are up to date, and of points where they are not.</summary>
internal sealed class BucketReader(PostgresDatabase database, PostgresTelemetryReader reader)
{
    // Rows of rollups held at once; a row of minutes counts for many.
    private const long MostRows = 100_000;
    private const long RowsPerHourOfMinutes = 50;

    public async IAsyncEnumerable<TelemetrySeriesBucket> ReadAsync(
        TenantId tenant,
        TelemetrySeriesQuery query,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var (from, to) = (PostgresTime.Ceiling(query.From), PostgresTime.Ceiling(query.To));
        var (found, closedBefore) = await FindAsync(tenant, query, cancellationToken).ConfigureAwait(false);
        var places = Enumerable.Range(0, found.Length).Where(place => found[place].Metrics.Length > 0).ToList();
        if (places.Count == 0 || from >= to)
            yield break;
        var slices = Slice(new TimeRange(from, to), query.Bucket, closedBefore, out var seriesPerGroup);
        foreach (var group in places.Chunk(seriesPerGroup))
        {
            var builders = Array.ConvertAll(group, place => new BucketBuilder(place, query.From, query.Bucket));
            var series = Array.ConvertAll(group, place => found[place]);
            foreach (var plan in slices)
            {
                var answer = await AnswerAsync(tenant, series, plan, cancellationToken).ConfigureAwait(false);
                var parts = series.Select((_, i) => Split(plan, answer, i)).ToList();
                var tails = await TailsAsync(tenant, series, parts, answer, cancellationToken).ConfigureAwait(false);
                for (var i = 0; i < group.Length; i++)
                {
                    var buckets = BucketsAsync(tenant, query, series[i], parts[i], answer?[i], tails?[i], builders[i], cancellationToken);
                    await foreach (var bucket in buckets.ConfigureAwait(false))
                        yield return bucket;
                    if (ReferenceEquals(plan, slices[^1]) && builders[i].TryEnd(out var last))
                        yield return last;
                }
            }
        }
    }

    private async IAsyncEnumerable<TelemetrySeriesBucket> BucketsAsync(
        TenantId tenant,
        TelemetrySeriesQuery query,
        DeviceStreams streams,
        List<(TimeRange Range, RollupTier Tier)> parts,
        SeriesRollups? rollups,
        PointWindow? tail,
        BucketBuilder builder,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        foreach (var (range, tier) in parts)
        {
            if (tier != RollupTier.Raw)
            {
                for (var i = 0; i < rollups!.Within(tier, range).Length; i++)
                {
                    var (start, stats) = rollups.Within(tier, range)[i];
                    if (builder.Add(start, stats, out var ended))
                        yield return ended;
                }
            }
            else if (tail is not null && range == parts[^1].Range)
            {
                foreach (var point in tail.Points)
                {
                    if (TryCount(point, out var stats) && builder.Add(point.Time, stats, out var ended))
                        yield return ended;
                }
            }
            else
            {
                // What a DateTime may not hold is the query's own.
                var from = range.Start == PostgresTime.Ceiling(query.From) ? query.From : PostgresTime.ToDateTime(range.Start);
                var to = range.End == PostgresTime.Ceiling(query.To) ? query.To : PostgresTime.ToDateTime(range.End);
                var stretches = reader.StretchesAsync(tenant, streams, from, to, int.MaxValue, cancellationToken);
                await foreach (var window in stretches.ConfigureAwait(false))
                {
                    foreach (var point in window.Points)
                    {
                        if (TryCount(point, out var stats) && builder.Add(point.Time, stats, out var ended))
                            yield return ended;
                    }
                }
            }
        }
    }

    private static bool TryCount(in WindowPoint point, out RollupStats stats)
    {
        var counts = RollupQuality.ClassOf(point.Quality) < RollupQuality.Bad && RollupQuality.Counts(point.Value.Kind);
        stats = counts ? RollupStats.Of(point.Time, point.Value.AsDouble()) : default;
        return counts;
    }

    private static List<(TimeRange Range, RollupTier Tier)> Split(RollupPlan plan, RollupAnswer? answer, int series) =>
        answer is null
            ? [(plan.Range, RollupTier.Raw)]
            : plan.Split(answer.ClosedBefore, answer[series].ChangedHours, answer[series].ChangedDays);

    // Either many series over the whole range at once, or one over a part of it.
    private static List<RollupPlan> Slice(TimeRange range, TimeSpan bucket, long closedBefore, out int seriesPerGroup)
    {
        var whole = RollupPlan.Make(range, bucket, closedBefore);
        var rows = Math.Max(1, Rows(whole));
        seriesPerGroup = (int)Math.Clamp(MostRows / rows, 1, 1000);
        if (rows <= MostRows)
            return [whole];
        var closed = range with { End = Math.Min(range.End, closedBefore) };
        var width = (((closed.End - closed.Start) / PostgresTime.PerDay * MostRows / rows) + 1) * PostgresTime.PerDay;
        var slices = new List<RollupPlan>();
        var start = closed.Start;
        for (var end = (PostgresTime.FloorDivide(start, PostgresTime.PerDay) * PostgresTime.PerDay) + width; end < closed.End; end += width)
        {
            slices.Add(RollupPlan.Make(new TimeRange(start, end), bucket, closedBefore));
            start = end;
        }

        slices.Add(RollupPlan.Make(range with { Start = start }, bucket, closedBefore));
        return slices;
    }

    private static long Rows(RollupPlan plan) =>
        plan.Days.Sum(range => (range.End - range.Start) / PostgresTime.PerDay)
        + plan.Hours.Sum(range => (range.End - range.Start) / PostgresTime.PerHour)
        + (plan.Minutes.Sum(range => (range.End - range.Start) / PostgresTime.PerHour) * RowsPerHourOfMinutes);

    private async Task<(DeviceStreams[] Found, long ClosedBefore)> FindAsync(
        TenantId tenant,
        TelemetrySeriesQuery query,
        CancellationToken cancellationToken
    )
    {
        var wanted = query.Series.Select(series => (series.Device, (string?)series.Metric)).ToList();
        try
        {
            var (found, closedBefore, _) = await DeviceStreams.FindAsync(database, tenant, wanted, cancellationToken).ConfigureAwait(false);
            return (found, closedBefore);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    private async Task<RollupAnswer?> AnswerAsync(
        TenantId tenant,
        DeviceStreams[] series,
        RollupPlan plan,
        CancellationToken cancellationToken
    )
    {
        if (plan.IsRaw)
            return null;
        try
        {
            return await RollupAnswer.ReadAsync(database, tenant, series, plan, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    // Of many series the hours that are still open are read at once.
    private async Task<PointWindow?[]?> TailsAsync(
        TenantId tenant,
        DeviceStreams[] series,
        List<List<(TimeRange Range, RollupTier Tier)>> parts,
        RollupAnswer? answer,
        CancellationToken cancellationToken
    )
    {
        if (answer is null || series.Length == 1)
            return null;
        var starts = parts.ConvertAll(of =>
            of[^1].Tier == RollupTier.Raw && of[^1].Range.Start >= answer.ClosedBefore ? of[^1].Range.Start : (long?)null
        );
        if (starts.TrueForAll(start => start is null))
            return null;
        try
        {
            return await SeriesTails
                .ReadAsync(database, tenant, series, starts, parts[0][^1].Range.End, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }
}
