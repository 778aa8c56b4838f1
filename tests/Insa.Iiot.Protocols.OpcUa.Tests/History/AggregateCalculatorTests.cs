using CsCheck;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.History.Aggregates;

namespace Insa.Iiot.Protocols.OpcUa.Tests.History;

public sealed class AggregateCalculatorTests
{
    private const long Second = TimeSpan.TicksPerSecond;

    private static readonly Gen<HistorySample[]> AnySamples = Gen.Select(
            Gen.Int[0, 200],
            Gen.Int[-3, 3],
            Gen.Int[0, 4]
                .Select(i =>
                    i switch
                    {
                        0 => StatusCodes.Bad,
                        1 => StatusCodes.Uncertain,
                        _ => StatusCodes.Good,
                    }
                )
        )
        .Array[0, 60]
        .Select(all => all.DistinctBy(s => s.Item1).OrderBy(s => s.Item1).Select(s => Sample(s.Item1, s.Item2, s.Item3)).ToArray());

    private static readonly Gen<AggregateOptions> AnyOptions = Gen.Select(Gen.Bool, Gen.Bool, Gen.Bool)
        .Select((stepped, uncertainIsBad, sloped) => new AggregateOptions(stepped, uncertainIsBad, 60, 60, sloped));

    [Theory]
    [MemberData(nameof(Functions))]
    public void Intervals_computed_page_by_page_are_those_computed_at_once(uint function) =>
        Gen.Select(AnySamples, AnyOptions, Gen.Int[1, 7], Gen.Bool)
            .Sample(
                (samples, options, limit, backward) =>
                {
                    var (start, end) = backward ? (205 * Second, 3 * Second) : (3 * Second, 205 * Second);
                    var whole = Results(function, options, samples, ProcessingIntervals.Of(start, end, 7 * Second));
                    var paged = new List<AggregateResult>();
                    for (long first = 0; ; )
                    {
                        var page = ProcessingIntervals.Of(start, end, 7 * Second, first, limit);
                        paged.AddRange(Results(function, options, WhatAPageNeeds(samples, page, function, options), page));
                        if (!page.HasMore)
                            break;
                        first = page.Next;
                    }

                    // A page does not know how long before it the data starts, and has no need to.
                    return whole.SequenceEqual(paged);
                },
                iter: 2000
            );

    [Theory]
    [MemberData(nameof(Functions))]
    public void No_data_is_told_for_every_interval(uint function) =>
        Assert.All(
            Results(function, AggregateOptions.Default, [], ProcessingIntervals.Of(0, 30 * Second, 10 * Second)),
            result =>
                Assert.Equal(
                    (StatusCodes.BadNoData, AggregateValueType.None),
                    (new StatusCode(result.Status.Value & 0xFFFF0000), result.Type)
                )
        );

    [Fact]
    public void Time_that_runs_backwards_gives_the_latest_interval_first_and_each_its_later_end()
    {
        var samples = Enumerable.Range(1, 6).Select(i => Sample(i * 5, i)).ToArray();
        var results = Results(
            (uint)AggregateFunction.Maximum,
            AggregateOptions.Default,
            samples,
            ProcessingIntervals.Of(30 * Second, 0, 10 * Second)
        );
        Assert.Equal([(30 * Second, 6.0), (20 * Second, 4.0), (10 * Second, 2.0)], results.Select(r => (r.Ticks, r.Number)));
    }

    [Fact]
    public void An_interval_that_runs_backwards_starts_at_its_later_end()
    {
        var samples = Enumerable.Range(0, 5).Select(i => Sample(i * 5, i)).ToArray();
        var page = ProcessingIntervals.Of(20 * Second, 0, 20 * Second);
        Assert.Equal(
            [
                (AggregateFunction.Start, 4.0),
                (AggregateFunction.End, 1),
                (AggregateFunction.StartBound, 4),
                (AggregateFunction.DeltaBounds, -4),
            ],
            new[] { AggregateFunction.Start, AggregateFunction.End, AggregateFunction.StartBound, AggregateFunction.DeltaBounds }.Select(
                f => (f, Results((uint)f, AggregateOptions.Default, samples, page)[0].Number)
            )
        );
    }

    [Fact]
    public void An_interval_that_the_range_cuts_is_partial()
    {
        var samples = Enumerable.Range(0, 40).Select(i => Sample(i, i)).ToArray();
        var results = Results(
            (uint)AggregateFunction.Average,
            AggregateOptions.Default,
            samples,
            ProcessingIntervals.Of(0, 25 * Second, 10 * Second)
        );
        Assert.Equal([0x401u, 0x401u, 0x405u], results.Select(r => r.Status.Value));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3600)]
    public void No_width_or_one_beyond_the_range_makes_one_interval(int seconds)
    {
        var samples = Enumerable.Range(0, 40).Select(i => Sample(i, i)).ToArray();
        var results = Results(
            (uint)AggregateFunction.Count,
            AggregateOptions.Default,
            samples,
            ProcessingIntervals.Of(0, 25 * Second, seconds * Second)
        );
        Assert.Equal([(25.0, 0x401u)], results.Select(r => (r.Number, r.Status.Value)));
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void Samples_cost_no_memory(uint function)
    {
        var calculator = AggregateCalculator.Of(
            (AggregateFunction)function,
            AggregateOptions.Default,
            ProcessingIntervals.Of(0, 1_000_000, 100_000)
        );
        calculator.Add(new HistorySample(-5, 1, StatusCodes.Good, TelemetryValue.Of(1.0)));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100_000; i++)
            calculator.Add(new HistorySample(i * 10, i % 7, StatusCodes.Good, TelemetryValue.Of((double)i)));
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    public static TheoryData<uint> Functions() => [.. Enum.GetValues<AggregateFunction>().Select(f => (uint)f)];

    private static AggregateResult[] Results(
        uint function,
        in AggregateOptions options,
        IEnumerable<HistorySample> samples,
        in ProcessingIntervals intervals
    )
    {
        var calculator = AggregateCalculator.Of((AggregateFunction)function, options, intervals);
        foreach (var sample in samples)
            calculator.Add(sample);
        calculator.Complete();
        return calculator.Results.ToArray();
    }

    // The look-back that AggregateCalculator asks for, and everything behind it.
    private static HistorySample[] WhatAPageNeeds(
        HistorySample[] samples,
        ProcessingIntervals page,
        uint function,
        AggregateOptions options
    )
    {
        var before = samples.Where(s => s.Ticks < page.Low).ToArray();
        var bounds = before.TakeLast(1);
        if (AggregateCalculator.LooksBack((AggregateFunction)function))
        {
            var good = before.Where(s => s.Status.IsGood || (s.Status.IsUncertain && !options.TreatUncertainAsBad)).TakeLast(2).ToArray();
            bounds = good.Length == 0 ? before.TakeLast(1) : before.Where(s => s.Ticks >= good[0].Ticks);
        }

        return [.. bounds, .. samples.Where(s => s.Ticks >= page.Low)];
    }

    private static HistorySample Sample(int second, int value, StatusCode status = default) =>
        new(second * Second, value, status, TelemetryValue.Of((double)value));
}
