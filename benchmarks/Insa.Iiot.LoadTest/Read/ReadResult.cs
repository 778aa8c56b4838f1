namespace Insa.Iiot.LoadTest.Read;

/// <summary>What one query took.</summary>
/// <param name="Query">Which it was.</param>
/// <param name="Rows">How many points or buckets it gave.</param>
/// <param name="MedianMs">The median of its rounds, in milliseconds.</param>
/// <param name="P90Ms">Nine of ten rounds took no longer.</param>
/// <param name="MostMs">The longest round.</param>
internal sealed record ReadResult(string Query, long Rows, double MedianMs, double P90Ms, double MostMs)
{
    public static ReadResult Of(string query, long rows, IEnumerable<TimeSpan> rounds)
    {
        var times = rounds.Select(round => round.TotalMilliseconds).Order().ToList();
        return new ReadResult(query, rows, times[times.Count / 2], times[times.Count * 9 / 10], times[^1]);
    }
}
