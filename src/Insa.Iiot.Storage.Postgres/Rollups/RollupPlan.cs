using Insa.Iiot.Storage.Postgres.Telemetry;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Which rollups a range of buckets may be made of, as far as hours are closed. Whether they are up to date shows when they are read.</summary>
internal sealed class RollupPlan
{
    private const long PerMinute = MinuteCodec.PerMinute;

    private RollupPlan(TimeRange range) => Range = range;

    public TimeRange Range { get; }

    /// <summary>Whole days.</summary>
    public List<TimeRange> Days { get; } = [];

    /// <summary>Whole hours: besides the days, for the last of them, which may not be made yet, and for those that have been deleted.</summary>
    public List<TimeRange> Hours { get; } = [];

    /// <summary>Hours whose minutes are wanted: all, or those that the range cuts, and those that have been deleted.</summary>
    public List<TimeRange> Minutes { get; } = [];

    public bool IsRaw => Days.Count + Hours.Count + Minutes.Count == 0;

    public static RollupPlan Make(TimeRange range, TimeSpan bucket, in RollupReach reach)
    {
        var plan = new RollupPlan(range);
        var end = Math.Min(range.End, reach.ClosedBefore);
        if (range.Start >= end || bucket.Ticks % TimeSpan.TicksPerMinute != 0)
            return plan;
        var hours = new TimeRange(Ceiling(range.Start, PostgresTime.PerHour), Floor(end, PostgresTime.PerHour));
        if (bucket.Ticks % TimeSpan.TicksPerHour != 0)
        {
            Add(plan.Minutes, Floor(range.Start, PostgresTime.PerHour), Ceiling(end, PostgresTime.PerHour));
            return plan;
        }

        var days = new TimeRange(Ceiling(range.Start, PostgresTime.PerDay), Floor(end, PostgresTime.PerDay));
        if (bucket.Ticks % TimeSpan.TicksPerDay == 0 && !days.IsEmpty)
        {
            Add(plan.Days, days.Start, days.End);
            var lastDay = days.End - PostgresTime.PerDay;
            Add(plan.Hours, hours.Start, Math.Min(Whole(days.Start, reach.DaysFrom, PostgresTime.PerDay), lastDay));
            Add(plan.Hours, lastDay, hours.End);
        }
        else
        {
            Add(plan.Hours, hours.Start, hours.End);
        }

        // The hours that the range cuts, if they are not the same.
        var first = Floor(range.Start, PostgresTime.PerHour);
        var last = Floor(range.End, PostgresTime.PerHour);
        var whole = Math.Min(Whole(hours.Start, reach.HoursFrom, PostgresTime.PerHour), Math.Max(hours.Start, hours.End));
        Add(plan.Minutes, first, whole);
        if (last != range.End && last < reach.ClosedBefore && (last != first || first == range.Start))
            Add(plan.Minutes, last, last + PostgresTime.PerHour);
        return plan;
    }

    /// <summary>What each part of the range is read from, in order and without a gap.</summary>
    /// <param name="closedBefore">Hours before it are closed.</param>
    /// <param name="series">The series, of which it says what is not up to date and what has been deleted.</param>
    public List<(TimeRange Range, RollupTier Tier)> Split(long closedBefore, SeriesRollups series)
    {
        // What has nothing left to be made of again is as good as it gets.
        var changed = new SortedSet<long>(series.ChangedHours.Where(hour => hour >= series.WholeFrom(RollupTier.Raw)));
        var days = new SortedSet<long>(series.ChangedDays.Where(day => day >= series.WholeFrom(RollupTier.Hour)));
        days.UnionWith(changed.Select(hour => Floor(hour, PostgresTime.PerDay)));
        var parts = new List<(TimeRange Range, RollupTier Tier)>();
        Take(parts, Days, RollupTier.Day, [Gone(series, RollupTier.Day), .. Spans(days, PostgresTime.PerDay, closedBefore)]);
        var hours = Spans(changed, PostgresTime.PerHour, closedBefore);
        Take(parts, Hours, RollupTier.Hour, [Gone(series, RollupTier.Hour), .. hours]);
        var minutes = new TimeRange(Ceiling(Range.Start, PerMinute), Floor(Range.End, PerMinute));
        Take(
            parts,
            [.. Minutes.Select(hour => Clip(hour, minutes)).Where(hour => !hour.IsEmpty)],
            RollupTier.Minute,
            [Gone(series, RollupTier.Minute), .. hours]
        );
        foreach (var rest in Range.Without(parts.Select(part => part.Range)).ToList())
            parts.Add((rest, RollupTier.Raw));
        parts.Sort(static (a, b) => a.Range.Start.CompareTo(b.Range.Start));
        return parts;
    }

    private static TimeRange Gone(SeriesRollups series, RollupTier tier) => new(long.MinValue, series.WholeFrom(tier));

    // Where a tier begins to be whole, from a time on.
    private static long Whole(long start, long from, long width) => from > start ? Ceiling(from, width) : start;

    // What no larger tier has taken already.
    private static void Take(
        List<(TimeRange Range, RollupTier Tier)> parts,
        List<TimeRange> ranges,
        RollupTier tier,
        List<TimeRange> changed
    )
    {
        var taken = parts.ConvertAll(part => part.Range);
        foreach (var range in ranges)
        {
            foreach (var free in range.Without(taken))
                parts.AddRange(free.Without(changed).Select(part => (part, tier)));
        }

        parts.Sort(static (a, b) => a.Range.Start.CompareTo(b.Range.Start));
    }

    private static List<TimeRange> Spans(SortedSet<long> starts, long width, long closedBefore)
    {
        var spans = starts.Select(start => new TimeRange(start, start + width)).ToList();
        spans.RemoveAll(span => span.End > Floor(closedBefore, width));
        spans.Add(new TimeRange(Floor(closedBefore, width), long.MaxValue));
        return spans;
    }

    private static TimeRange Clip(TimeRange range, TimeRange to) => new(Math.Max(range.Start, to.Start), Math.Min(range.End, to.End));

    private static void Add(List<TimeRange> ranges, long start, long end)
    {
        if (start < end)
            ranges.Add(new TimeRange(start, end));
    }

    private static long Floor(long time, long width) => PostgresTime.FloorDivide(time, width) * width;

    private static long Ceiling(long time, long width) => -PostgresTime.FloorDivide(-time, width) * width;
}
