using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>The aggregates over the stored values that lie in an interval, without bounds.</summary>
internal sealed class RawAggregate(AggregateFunction function, in AggregateOptions options, in ProcessingIntervals intervals)
    : AggregateCalculator(function, options, intervals)
{
    private RawStatistics _statistics;
    private double _previous;
    private bool _hasPrevious;

    protected override void StartInterval() => _statistics = default;

    protected override void Take(in HistorySample sample)
    {
        while (!IsComplete && IsBehind(sample.Ticks))
            Put(LastTicks == long.MinValue ? NoData(HistorianBits.Raw) : Result(dataEnds: false));
        if (IsComplete)
            return;
        var isBad = IsBad(sample.Status);
        if (IsInside(sample.Ticks))
            _statistics.Add(sample, isBad, !_hasPrevious || !_previous.Equals(sample.Number));
        if (isBad)
            return;
        _previous = sample.Number;
        _hasPrevious = true;
    }

    protected override void End() => Put(Result(dataEnds: true));

    private AggregateResult Result(bool dataEnds)
    {
        // The examples show no partial bit on an Average whose data starts or ends in the interval.
        var partial =
            Function != AggregateFunction.Average ? PartialBit(dataEnds)
            : Interval.IsCut ? HistorianBits.Partial
            : HistorianBits.Raw;
        var calculated = partial | HistorianBits.Calculated;
        ref readonly var s = ref _statistics;
        switch (Function)
        {
            case AggregateFunction.AnnotationCount:
                return Of(StatusCodes.Good.With(calculated), s.Count, AggregateValueType.Int32);
            case AggregateFunction.Count:
                return Counted(s.Good, calculated);
            case AggregateFunction.NumberOfTransitions:
                return Counted(s.Transitions, calculated);
            case AggregateFunction.WorstQuality when s.Count > 0:
                return Of(
                    StatusCodes.Good.With(s.Worst.IsGood || s.WorstCount == 1 ? calculated : calculated | HistorianBits.MultipleValues),
                    s.Worst.Value,
                    AggregateValueType.StatusCode
                );
            case AggregateFunction.Start when s.Count > 0:
                return Stored(IsBackward ? s.Last : s.First, partial);
            case AggregateFunction.End when s.Count > 0:
                return Stored(IsBackward ? s.First : s.Last, partial);
        }

        if (s.Good == 0)
            return NoData(partial);
        // Of what was left out: the extremes mind bad values alone, the others uncertain ones too, whatever TreatUncertainAsBad says.
        var extreme = (s.Bad > 0 ? StatusCodes.UncertainDataSubNormal : StatusCodes.Good);
        var whole = (s.Good < s.Count ? StatusCodes.UncertainDataSubNormal : StatusCodes.Good).With(calculated);
        return Function switch
        {
            AggregateFunction.Average => Of(whole, s.Mean),
            AggregateFunction.Delta => Of(whole, s.LastGood - s.FirstGood),
            AggregateFunction.VariancePopulation => Of(whole, s.Variance(0)),
            AggregateFunction.VarianceSample => Of(whole, s.Variance(1)),
            AggregateFunction.StandardDeviationPopulation => Of(whole, Math.Sqrt(s.Variance(0))),
            AggregateFunction.StandardDeviationSample => Of(whole, Math.Sqrt(s.Variance(1))),
            AggregateFunction.Range => Of(extreme.With(calculated), s.Maximum.Number - s.Minimum.Number),
            AggregateFunction.Minimum => Extreme(s.Minimum, s.MinimumCount, extreme, partial, atActualTime: false),
            AggregateFunction.Maximum => Extreme(s.Maximum, s.MaximumCount, extreme, partial, atActualTime: false),
            AggregateFunction.MinimumActualTime => Extreme(s.Minimum, s.MinimumCount, extreme, partial, atActualTime: true),
            AggregateFunction.MaximumActualTime => Extreme(s.Maximum, s.MaximumCount, extreme, partial, atActualTime: true),
            _ => NoData(partial),
        };
    }

    // Value-based status (Part 13 §5.3.2.1).
    private AggregateResult Counted(int count, HistorianBits bits)
    {
        ref readonly var s = ref _statistics;
        if (s.Count == 0 || s.Good * 100.0 >= Options.PercentDataGood * (double)s.Count)
            return Of(StatusCodes.Good.With(bits), count, AggregateValueType.Int32);
        if (s.Bad * 100.0 >= Options.PercentDataBad * (double)s.Count)
            return new(Interval.Timestamp, StatusCodes.Bad.With(bits & HistorianBits.Partial), AggregateValueType.None, 0, default);
        return Of(StatusCodes.UncertainDataSubNormal.With(bits), count, AggregateValueType.Int32);
    }

    private static AggregateResult Stored(in HistorySample sample, HistorianBits partial) =>
        new(
            sample.Ticks,
            sample.Status.With(partial),
            sample.Status.IsBad ? AggregateValueType.None : AggregateValueType.Stored,
            sample.Number,
            sample.Value
        );

    private AggregateResult Extreme(in HistorySample sample, int count, StatusCode status, HistorianBits bits, bool atActualTime)
    {
        if (!atActualTime && sample.Ticks != Interval.Timestamp)
            bits |= HistorianBits.Calculated;
        if (count > 1)
            bits |= HistorianBits.MultipleValues;
        var ticks = atActualTime ? sample.Ticks : Interval.Timestamp;
        return new(ticks, status.With(bits), AggregateValueType.Stored, sample.Number, sample.Value);
    }
}
