using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>
/// The aggregates over interpolated values (Part 13 §3.1.8): lines, or steps, from each value that is not bad to the next, over bad ones
/// between them and beyond the last.
/// </summary>
internal sealed class InterpolatedAggregate : AggregateCalculator
{
    private readonly bool _stepped;
    private HistorySample _last;
    private HistorySample _beforeLast;
    private int _known;
    private long _firstBadTicks = long.MaxValue;
    private double _area;
    private long _areaTicks;
    private bool _isUncertain;

    public InterpolatedAggregate(AggregateFunction function, in AggregateOptions options, in ProcessingIntervals intervals)
        : base(function, options, intervals)
    {
        // Part 13 §5.4.3.7: TimeAverage always draws lines.
        _stepped = options.Stepped && function != AggregateFunction.TimeAverage;
    }

    protected override void StartInterval()
    {
        _area = 0;
        _areaTicks = 0;
        _isUncertain = false;
    }

    protected override void Take(in HistorySample sample)
    {
        if (IsBad(sample.Status))
        {
            _firstBadTicks = Math.Min(_firstBadTicks, sample.Ticks);
            return;
        }

        if (Function == AggregateFunction.Interpolative)
            Interpolate(sample);
        else
            Cover(sample);
        _beforeLast = _last;
        _last = sample;
        _known = Math.Min(_known + 1, 2);
        _firstBadTicks = long.MaxValue;
    }

    protected override void End()
    {
        if (_known == 0)
        {
            Put(NoData(HistorianBits.Raw));
            return;
        }

        if (Function == AggregateFunction.Interpolative)
        {
            EndBehindData();
            return;
        }

        var from = Math.Max(Interval.Low, _last.Ticks);
        Add(from, Interval.High, Extrapolated(from), Extrapolated(Interval.High), isUncertain: true);
        Put(Result(dataEnds: true));
    }

    protected override void EndBehindData()
    {
        if (Function != AggregateFunction.Interpolative || _known == 0)
            base.EndBehindData();
        else if (Interval.Timestamp == _last.Ticks)
            Put(Raw(_last));
        else
            Put(Of(StatusCodes.UncertainDataSubNormal.With(HistorianBits.Interpolated), Extrapolated(Interval.Timestamp)));
    }

    private void Interpolate(in HistorySample next)
    {
        while (!IsComplete && Interval.Timestamp <= next.Ticks)
        {
            var ticks = Interval.Timestamp;
            if (ticks == next.Ticks)
                Put(Raw(next));
            else if (_known == 0)
                Put(NoData(HistorianBits.Raw));
            else if (ticks == _last.Ticks)
                Put(Raw(_last));
            else
            {
                var status = IsUncertain(ticks, next) ? StatusCodes.UncertainDataSubNormal : StatusCodes.Good;
                Put(Of(status.With(HistorianBits.Interpolated), At(ticks, next)));
            }
        }
    }

    private void Cover(in HistorySample next)
    {
        while (!IsComplete && next.Ticks >= Interval.High)
        {
            Add(Interval.High, next);
            Put(_areaTicks == 0 ? NoData(HistorianBits.Raw) : Result(dataEnds: false));
        }

        if (!IsComplete)
            Add(next.Ticks, next);
    }

    /// <summary>Adds the time from the last value, or the interval's start, to a time not behind the next value.</summary>
    private void Add(long to, in HistorySample next)
    {
        var from = Math.Max(Interval.Low, _last.Ticks);
        if (_known == 0 || to <= from)
            return;
        Add(from, to, At(from, next), _stepped ? _last.Number : At(to, next), IsUncertain(to, next));
    }

    private void Add(long from, long to, double start, double end, bool isUncertain)
    {
        _area += (start + end) * 0.5 * (to - from);
        _areaTicks += to - from;
        _isUncertain |= isUncertain;
    }

    private double At(long ticks, in HistorySample next) => _stepped ? _last.Number : Line.At(ticks, _last, next);

    // A step knows nothing of what comes behind it; a line does.
    private bool IsUncertain(long ticks, in HistorySample next) =>
        !_last.Status.IsGood || (_stepped ? _firstBadTicks < ticks : !next.Status.IsGood || _firstBadTicks != long.MaxValue);

    private double Extrapolated(long ticks) =>
        Options.UseSlopedExtrapolation && !_stepped && _known == 2 ? Line.At(ticks, _beforeLast, _last) : _last.Number;

    private AggregateResult Raw(in HistorySample sample) =>
        new(Interval.Timestamp, sample.Status.With(HistorianBits.Raw), AggregateValueType.Stored, sample.Number, sample.Value);

    private AggregateResult Result(bool dataEnds)
    {
        var partial = PartialBit(dataEnds);
        var isUncertain = _isUncertain || _areaTicks < Interval.High - Interval.Low;
        var status = (isUncertain ? StatusCodes.UncertainDataSubNormal : StatusCodes.Good).With(partial | HistorianBits.Calculated);
        return Function == AggregateFunction.Total ? Of(status, _area / TimeSpan.TicksPerSecond) : Of(status, _area / _areaTicks);
    }
}
