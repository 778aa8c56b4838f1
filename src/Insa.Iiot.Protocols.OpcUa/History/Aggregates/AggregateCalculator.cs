using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>
/// Computes one aggregate over consecutive intervals from samples that come by ascending time, one at a time: what it keeps are the results
/// asked for and one interval's sums, never the samples.
/// </summary>
/// <remarks>
/// Samples before the intervals bound them: the last of any quality, and the last two that are not bad where <see cref="LooksBack"/> says
/// so. Samples behind them do too; <see cref="IsComplete"/> says when enough have come. Data starts at the first sample and ends one
/// millisecond behind the last, as in the examples of Part 13.
/// </remarks>
internal abstract class AggregateCalculator
{
    /// <summary>How long the last value of a series stands for: what the examples of Part 13 count it for.</summary>
    protected const long LastValueTicks = TimeSpan.TicksPerMillisecond;

    private readonly ProcessingIntervals _intervals;
    private readonly AggregateResult[] _results;
    private int _index;
    private long _firstTicks = long.MaxValue;
    private long _lastTicks = long.MinValue;

    protected AggregateCalculator(AggregateFunction function, in AggregateOptions options, in ProcessingIntervals intervals)
    {
        Function = function;
        Options = options;
        _intervals = intervals;
        _results = new AggregateResult[intervals.Count];
        if (intervals.Count > 0)
            Interval = intervals[0];
    }

    public static AggregateCalculator Of(AggregateFunction function, in AggregateOptions options, in ProcessingIntervals intervals) =>
        function switch
        {
            AggregateFunction.Interpolative or AggregateFunction.TimeAverage or AggregateFunction.Total => new InterpolatedAggregate(
                function,
                options,
                intervals
            ),
            AggregateFunction.TimeAverage2
            or AggregateFunction.Total2
            or AggregateFunction.Minimum2
            or AggregateFunction.Maximum2
            or AggregateFunction.MinimumActualTime2
            or AggregateFunction.MaximumActualTime2
            or AggregateFunction.Range2
            or AggregateFunction.WorstQuality2
            or AggregateFunction.DurationInStateZero
            or AggregateFunction.DurationInStateNonZero
            or AggregateFunction.DurationGood
            or AggregateFunction.DurationBad
            or AggregateFunction.PercentGood
            or AggregateFunction.PercentBad
            or AggregateFunction.StartBound
            or AggregateFunction.EndBound
            or AggregateFunction.DeltaBounds => new SimpleBoundAggregate(function, options, intervals),
            _ => new RawAggregate(function, options, intervals),
        };

    /// <summary>Whether a function needs the last samples before its range that are not bad, rather than the last one.</summary>
    public static bool LooksBack(AggregateFunction function) =>
        function
            is AggregateFunction.Interpolative
                or AggregateFunction.TimeAverage
                or AggregateFunction.Total
                or AggregateFunction.NumberOfTransitions;

    /// <summary>Whether every interval has its result: no further sample can change any.</summary>
    public bool IsComplete => _index == _intervals.Count;

    /// <summary>The results, in the order asked for.</summary>
    public ReadOnlySpan<AggregateResult> Results
    {
        get
        {
            if (!IsComplete)
                throw new InvalidOperationException("There are intervals without a result.");
            return _results;
        }
    }

    protected AggregateFunction Function { get; }

    protected AggregateOptions Options { get; }

    /// <summary>The interval at hand.</summary>
    protected ProcessingInterval Interval { get; private set; }

    protected bool IsBackward => _intervals.IsBackward;

    /// <summary>The last sample's time.</summary>
    protected long LastTicks => _lastTicks;

    /// <summary>Whether the data starts inside the interval at hand, or behind it.</summary>
    protected bool StartsInside => _firstTicks > Interval.Low;

    /// <summary>Takes the next sample; times ascend.</summary>
    public void Add(in HistorySample sample)
    {
        if (IsComplete)
            return;
        if (_firstTicks == long.MaxValue)
            _firstTicks = sample.Ticks;
        Take(sample);
        _lastTicks = sample.Ticks;
    }

    /// <summary>Says that no more samples come: the data ends here.</summary>
    public void Complete()
    {
        while (!IsComplete)
        {
            // The interval that the data ends in has a result; those behind it have none.
            if (_lastTicks > Interval.Low || (_lastTicks == Interval.Low && !IsBackward))
                End();
            else
                EndBehindData();
        }
    }

    protected abstract void Take(in HistorySample sample);

    /// <summary>Gives the interval at hand its result (<see cref="Put"/>) at the end of the data.</summary>
    protected abstract void End();

    /// <summary>Gives an interval that lies behind the data its result.</summary>
    protected virtual void EndBehindData() => Put(NoData(HistorianBits.Raw));

    protected abstract void StartInterval();

    protected bool IsBad(StatusCode status) => status.IsBad || (status.IsUncertain && Options.TreatUncertainAsBad);

    /// <summary>Whether a sample lies behind the interval at hand: it holds its start, in the direction time runs.</summary>
    protected bool IsBehind(long ticks) => IsBackward ? ticks > Interval.High : ticks >= Interval.High;

    /// <summary>Whether a sample that is not behind the interval at hand lies in it.</summary>
    protected bool IsInside(long ticks) => IsBackward ? ticks > Interval.Low : ticks >= Interval.Low;

    /// <summary>The partial bit, for an interval that the range or the data cuts.</summary>
    protected HistorianBits PartialBit(bool dataEnds) =>
        Interval.IsCut || StartsInside || (dataEnds && _lastTicks + LastValueTicks < Interval.High)
            ? HistorianBits.Partial
            : HistorianBits.Raw;

    protected AggregateResult NoData(HistorianBits partial) =>
        new(Interval.Timestamp, StatusCodes.BadNoData.With(partial), AggregateValueType.None, 0, default);

    protected AggregateResult Of(StatusCode status, double value, AggregateValueType type = AggregateValueType.Double) =>
        new(Interval.Timestamp, status, type, value, default);

    /// <summary>Sets the result of the interval at hand and goes on to the next.</summary>
    protected void Put(in AggregateResult result)
    {
        _results[IsBackward ? _intervals.Count - 1 - _index : _index] = result;
        _index++;
        if (IsComplete)
            return;
        Interval = _intervals[_index];
        StartInterval();
    }
}
