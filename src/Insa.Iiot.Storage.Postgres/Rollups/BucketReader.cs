using System.Runtime.CompilerServices;
using Insa.Iiot.Storage.Postgres.Telemetry;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Makes buckets of rollups where these are up to date, and of points where they are not.</summary>
internal sealed class BucketReader(PostgresDatabase database, PostgresTelemetryReader reader)
{
    // Rows of rollups held at once; a row of minutes counts for many.
    private const long MostRows = 20_000;
    private const long RowsPerHourOfMinutes = 50;

    public async IAsyncEnumerable<TelemetrySeriesBucket> ReadAsync(
        TenantId tenant,
        TelemetrySeriesQuery query,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var (from, to) = (PostgresTime.Ceiling(query.From), PostgresTime.Ceiling(query.To));
        var (found, reach) = await FindAsync(tenant, query, cancellationToken).ConfigureAwait(false);
        var places = Enumerable.Range(0, found.Length).Where(place => found[place].Metrics.Length > 0).ToList();
        if (places.Count == 0 || from >= to)
            yield break;
        var slices = Slice(new TimeRange(from, to), query.Bucket, reach, out var seriesPerGroup);
        var portions = places
            .Chunk(seriesPerGroup)
            .SelectMany(group =>
            {
                var builders = Array.ConvertAll(group, place => new BucketBuilder(place, query.From, query.Bucket));
                var series = Array.ConvertAll(group, place => found[place]);
                return slices.Select(plan => (Series: series, Builders: builders, Plan: plan));
            });

        // While one portion is handed out the next one is read.
        Task<PortionAnswer>? next = null;
        try
        {
            using var portion = portions.GetEnumerator();
            for (var more = portion.MoveNext(); more; )
            {
                var (series, builders, plan) = portion.Current;
                var answer = await (next ?? AnswerAsync(tenant, series, plan, reach.ClosedBefore, cancellationToken)).ConfigureAwait(false);
                next = null;
                more = portion.MoveNext();
                if (more)
                    next = AnswerAsync(tenant, portion.Current.Series, portion.Current.Plan, reach.ClosedBefore, cancellationToken);
                for (var i = 0; i < series.Length; i++)
                {
                    var buckets = BucketsAsync(tenant, query, series[i], answer, i, builders[i], cancellationToken);
                    await foreach (var bucket in buckets.ConfigureAwait(false))
                        yield return bucket;
                    if (ReferenceEquals(plan, slices[^1]) && builders[i].TryEnd(out var last))
                        yield return last;
                }
            }
        }
        finally
        {
            if (next is not null)
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async IAsyncEnumerable<TelemetrySeriesBucket> BucketsAsync(
        TenantId tenant,
        TelemetrySeriesQuery query,
        DeviceStreams streams,
        PortionAnswer answer,
        int place,
        BucketBuilder builder,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var (parts, tail) = (answer.Parts[place], answer.Tails?[place]);
        foreach (var (range, tier) in parts)
        {
            if (tier != RollupTier.Raw)
            {
                var (rows, first, end) = answer.Rollups![place].Within(tier, range);
                for (var i = first; i < end; i++)
                {
                    if (builder.Add(rows[i].Start, rows[i].Stats, out var ended))
                        yield return ended;
                }
            }
            else if (tail is not null && range == parts[^1].Range)
            {
                for (var i = 0; i < tail.Count; i++)
                {
                    var point = tail[i];
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
                    for (var i = 0; i < window.Count; i++)
                    {
                        var point = window[i];
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
        answer is null ? [(plan.Range, RollupTier.Raw)] : plan.Split(answer.ClosedBefore, answer[series]);

    // Either many series over the whole range at once, or one over a part of it. Before the oldest rollup there are no rows to hold.
    private static List<RollupPlan> Slice(TimeRange range, TimeSpan bucket, in RollupReach reach, out int seriesPerGroup)
    {
        var rolled = new TimeRange(Math.Max(range.Start, reach.RolledFrom), Math.Min(range.End, reach.ClosedBefore));
        var rows = rolled.IsEmpty ? 1 : Math.Max(1, Rows(RollupPlan.Make(rolled, bucket, reach)));
        seriesPerGroup = (int)Math.Clamp(MostRows / rows, 1, 1000);
        if (rows <= MostRows)
            return [RollupPlan.Make(range, bucket, reach)];
        var width = (((rolled.End - rolled.Start) / PostgresTime.PerDay * MostRows / rows) + 1) * PostgresTime.PerDay;
        var slices = new List<RollupPlan>();
        var (start, first) = (range.Start, PostgresTime.FloorDivide(rolled.Start, PostgresTime.PerDay) * PostgresTime.PerDay);
        for (var end = first + width; end < rolled.End; end += width)
        {
            slices.Add(RollupPlan.Make(new TimeRange(start, end), bucket, reach));
            start = end;
        }

        slices.Add(RollupPlan.Make(range with { Start = start }, bucket, reach));
        return slices;
    }

    private static long Rows(RollupPlan plan) =>
        plan.Days.Sum(range => (range.End - range.Start) / PostgresTime.PerDay)
        + plan.Hours.Sum(range => (range.End - range.Start) / PostgresTime.PerHour)
        + (plan.Minutes.Sum(range => (range.End - range.Start) / PostgresTime.PerHour) * RowsPerHourOfMinutes);

    private async Task<(DeviceStreams[] Found, RollupReach Reach)> FindAsync(
        TenantId tenant,
        TelemetrySeriesQuery query,
        CancellationToken cancellationToken
    )
    {
        var wanted = query.Series.Select(series => (series.Device, (string?)series.Metric)).ToList();
        try
        {
            return await DeviceStreams.FindAsync(database, tenant, wanted, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    private async Task<PortionAnswer> AnswerAsync(
        TenantId tenant,
        DeviceStreams[] series,
        RollupPlan plan,
        long closedBefore,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var rollups = plan.IsRaw
                ? null
                : await RollupAnswer.ReadAsync(database, tenant, series, plan, cancellationToken).ConfigureAwait(false);
            var parts = series.Select((_, i) => Split(plan, rollups, i)).ToList();
            var tails = await TailsAsync(tenant, series, parts, rollups?.ClosedBefore ?? closedBefore, cancellationToken)
                .ConfigureAwait(false);
            return new PortionAnswer(rollups, parts, tails);
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
        long closedBefore,
        CancellationToken cancellationToken
    )
    {
        if (series.Length == 1)
            return null;
        var starts = parts.ConvertAll(of =>
            of[^1].Tier == RollupTier.Raw && of[^1].Range.Start >= closedBefore ? of[^1].Range.Start : (long?)null
        );
        if (starts.TrueForAll(start => start is null))
            return null;
        return await SeriesTails
            .ReadAsync(database, tenant, series, starts, parts[0][^1].Range.End, cancellationToken)
            .ConfigureAwait(false);
    }

    private sealed record PortionAnswer(RollupAnswer? Rollups, List<List<(TimeRange Range, RollupTier Tier)>> Parts, PointWindow?[]? Tails);
}
