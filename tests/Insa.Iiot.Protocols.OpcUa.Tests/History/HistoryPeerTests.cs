using System.Text.Json;

namespace Insa.Iiot.Protocols.OpcUa.Tests.History;

/// <summary>With the client of node-opcua, over the whole pipeline and a store.</summary>
[Trait("Category", "Peer")]
public sealed class HistoryPeerTests
{
    private const int Seconds = 10;
    private const int PerInterval = 6;
    private const int Intervals = 10;

    private static readonly DateTime Start = TimeProvider.System.GetUtcNow().UtcDateTime.Date.AddDays(-2);
    private static readonly DateTime End = Start.AddSeconds(Seconds * PerInterval * Intervals);

    // One more than the intervals hold: at their end.
    private static readonly double[] Stored = [.. Enumerable.Range(0, (PerInterval * Intervals) + 1).Select(i => (i * 7 % 23) + (i / 4.0))];

    private static readonly Dictionary<string, Func<int, double>> Expected = new()
    {
        ["Average"] = first => In(first).Average(),
        ["Minimum"] = first => In(first).Min(),
        ["Maximum"] = first => In(first).Max(),
        ["Range"] = first => In(first).Max() - In(first).Min(),
        ["Count"] = _ => PerInterval,
        ["Start"] = first => Stored[first],
        ["End"] = first => Stored[first + PerInterval - 1],
        ["Delta"] = first => Stored[first + PerInterval - 1] - Stored[first],
        ["StartBound"] = first => Stored[first],
        ["EndBound"] = first => Stored[first + PerInterval],
        ["DeltaBounds"] = first => Stored[first + PerInterval] - Stored[first],
        ["TimeAverage"] = first => Integral(first) / (Seconds * PerInterval),
        ["Total"] = Integral,
        ["VariancePopulation"] = first => Squares(first) / PerInterval,
        ["VarianceSample"] = first => Squares(first) / (PerInterval - 1),
        ["StandardDeviationPopulation"] = first => Math.Sqrt(Squares(first) / PerInterval),
        ["StandardDeviationSample"] = first => Math.Sqrt(Squares(first) / (PerInterval - 1)),
        ["DurationGood"] = _ => Seconds * PerInterval * 1000,
        ["PercentGood"] = _ => 100,
        ["Interpolative"] = first => Stored[first],
    };

    [Fact]
    public async Task It_reads_raw_values_in_pages_both_ways_at_times_and_aggregated()
    {
        await using var world = await InteropWorld.StartAsync();
        for (var i = 0; i < Stored.Length; i++)
            await world.SayAsync(InteropWorld.Json(("level", Stored[i])), TimeOf(i));
        var result = await world.RunAsync(
            "history",
            new
            {
                node = InteropWorld.Level,
                start = Milliseconds(Start),
                end = Milliseconds(End),
                interval = Seconds * PerInterval * 1000,
                times = new[] { Milliseconds(TimeOf(2)), Milliseconds(TimeOf(2)) + 2500, Milliseconds(Start) - 60_000 },
                aggregates = Expected.Keys,
            }
        );
        Assert.True(result.GetProperty("ok").GetBoolean(), result.GetRawText());

        var forwards = Points(Enumerable.Range(0, Stored.Length - 1));
        Assert.Equal(forwards, Points(result.GetProperty("simple")));
        Assert.Equal(forwards, Pages(result.GetProperty("pages"), 7));
        Assert.Equal(Points(Enumerable.Range(1, Stored.Length - 1).Reverse()), Pages(result.GetProperty("newestFirst"), 10));
        Assert.Equal(Points([60, 59, 58]), Points(result.GetProperty("newest")));
        Assert.Equal(Points(Enumerable.Range(3, 14)), Points(result.GetProperty("bounds")));
        Assert.Equal("Good", result.GetProperty("released").GetString());
        Assert.Equal("BadContinuationPointInvalid", result.GetProperty("usedAgain").GetString());
        Assert.Equal("BadNodeIdUnknown", result.GetProperty("nothing").GetString());
        Assert.Equal("BadHistoryOperationUnsupported", result.GetProperty("modified").GetString());

        var atTimes = Points(result.GetProperty("atTimes"));
        Assert.Equal([Stored[2], Stored[2] + ((Stored[3] - Stored[2]) / 4), null], atTimes.Select(point => point.Value));
        ExpectAggregates(result);
    }

    private static void ExpectAggregates(JsonElement result)
    {
        var firsts = Enumerable.Range(0, Intervals).Select(interval => interval * PerInterval).ToList();
        foreach (var (name, expected) in Expected)
        {
            var points = Points(result.GetProperty("aggregates").GetProperty(name));

            // The last value has its own time (OPC 10000-13 §5.4.3.21), all else that of the interval.
            var offset = name == "End" ? PerInterval - 1 : 0;
            Assert.Equal(firsts.Select(first => Milliseconds(TimeOf(first + offset))), points.Select(point => point.Time));
            foreach (var (first, (_, value)) in firsts.Zip(points))
                Assert.True(Math.Abs(expected(first) - value!.Value) < 1e-6, $"{name} of {first}: {value}, not {expected(first)}.");
        }

        Assert.Equal(firsts.Select(first => In(first).Min()), result.GetProperty("two")[0].EnumerateArray().Select(v => v.GetDouble()));
        Assert.Equal(firsts.Select(first => In(first).Max()), result.GetProperty("two")[1].EnumerateArray().Select(v => v.GetDouble()));
    }

    private static double[] In(int first) => Stored[first..(first + PerInterval)];

    private static double Squares(int first) => In(first).Sum(value => Math.Pow(value - In(first).Average(), 2));

    // Of the straight lines between the values.
    private static double Integral(int first) => Enumerable.Range(first, PerInterval).Sum(i => (Stored[i] + Stored[i + 1]) / 2 * Seconds);

    private static DateTime TimeOf(int i) => Start.AddSeconds(i * Seconds);

    private static long Milliseconds(DateTime time) => new DateTimeOffset(time).ToUnixTimeMilliseconds();

    private static List<(long Time, double? Value)> Points(IEnumerable<int> indexes) =>
        [.. indexes.Select(i => (Milliseconds(TimeOf(i)), (double?)Stored[i]))];

    private static List<(long Time, double? Value)> Points(JsonElement points) =>
        [.. points.EnumerateArray().Select(point => (point[0].GetInt64(), Number(point[1])))];

    private static double? Number(JsonElement value) => value.ValueKind == JsonValueKind.Null ? null : value.GetDouble();

    // Every page but the last is full.
    private static List<(long Time, double? Value)> Pages(JsonElement pages, int size)
    {
        var read = pages.EnumerateArray().Select(Points).ToList();
        Assert.All(read.SkipLast(1), page => Assert.Equal(size, page.Count));
        Assert.True(read.Count > 1);
        return [.. read.SelectMany(page => page)];
    }
}
