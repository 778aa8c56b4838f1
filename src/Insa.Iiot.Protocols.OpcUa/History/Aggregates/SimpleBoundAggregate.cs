using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>
/// The aggregates over what an interval's time is covered with: its values and the simple bounding values at its ends (Part 13 §3.1.9),
/// which take the values next to them as they are, bad ones too.
/// </summary>
internal sealed class SimpleBoundAggregate(AggregateFunction function, in AggregateOptions options, in ProcessingIntervals intervals)
    : AggregateCalculator(function, options, intervals)
{
    private RegionStatistics _statistics;
    private HistorySample _last;
    private bool _hasLast;
    private BoundingValue _low;
    private bool _hasLow;

    protected override void StartInterval()
    {
        _statistics = default;
        _hasLow = false;
    }

    protected override void Take(in HistorySample next)
    {
        while (!IsComplete && IsBehind(next.Ticks))
        {
            EnterInterval(next);
            Cover(Interval.High, next, isCut: next.Ticks != Interval.High);
            var high = Bound(Interval.High, next, hasNext: true);
            Put(_hasLast ? Result(high, dataEnds: false) : NoData(HistorianBits.Raw));
        }

        if (IsComplete || next.Ticks < Interval.Low)
        {
            Keep(next);
            return;
        }

        EnterInterval(next);
        if (next.Ticks > Interval.Low)
            Cover(next.Ticks, next, isCut: false);
        if (IsInside(next.Ticks))
            _statistics.AddValue(next.Ticks, next.Number, next.Status, IsBad(next.Status));
        Keep(next);
    }

    protected override void End()
    {
        var dataEnd = Math.Min(LastTicks + LastValueTicks, Interval.High);
        EnterInterval(default, hasNext: false);
        Cover(dataEnd, default, isCut: true, hasNext: false);
        // A last value that stands at the interval's very end bounds it, as it would if more values followed.
        var high = Interval.High == LastTicks ? Bound(Interval.High, default, hasNext: false) : BoundingValue.None;
        Put(Result(high, dataEnds: true));
    }

    private void Keep(in HistorySample sample)
    {
        _last = sample;
        _hasLast = true;
    }

    /// <summary>Finds the value at the interval's earlier end, once a sample at it or behind it is there.</summary>
    private void EnterInterval(in HistorySample next, bool hasNext = true)
    {
        if (_hasLow)
            return;
        _hasLow = true;
        _low = Bound(Interval.Low, next, hasNext);
        // A stored value there comes as such, if it belongs to the interval.
        if (!_low.IsRaw || IsBackward)
            _statistics.AddBound(Interval.Low, _low, IsBad(_low.Status));
    }

    /// <summary>The simple bounding value at a time between the last sample and the next.</summary>
    private BoundingValue Bound(long ticks, in HistorySample next, bool hasNext)
    {
        if (hasNext && next.Ticks == ticks)
            return Raw(next);
        if (_hasLast && _last.Ticks == ticks)
            return Raw(_last);
        if (!_hasLast || !hasNext || IsBad(_last.Status))
            return BoundingValue.None;
        if (Options.Stepped)
            return new(_last.Status.IsGood ? StatusCodes.Good : StatusCodes.UncertainDataSubNormal, _last.Number, false);
        // Towards a bad value there is no line: the last one holds, and is uncertain.
        if (IsBad(next.Status))
            return new(StatusCodes.UncertainDataSubNormal, _last.Number, false);
        var isGood = _last.Status.IsGood && next.Status.IsGood;
        return new(isGood ? StatusCodes.Good : StatusCodes.UncertainDataSubNormal, Line.At(ticks, _last, next), false);
    }

    private BoundingValue Raw(in HistorySample sample) =>
        IsBad(sample.Status) && !sample.Status.IsBad ? BoundingValue.None : new(sample.Status, sample.Number, true);

    /// <summary>
    /// Counts the time from the last sample, or the interval's start, to a time not behind the next sample. It is cut if it ends without a
    /// stored value.
    /// </summary>
    private void Cover(long to, in HistorySample next, bool isCut, bool hasNext = true)
    {
        var from = _hasLast ? Math.Max(Interval.Low, _last.Ticks) : Interval.Low;
        if (to <= from)
            return;
        if (!_hasLast)
        {
            _statistics.AddGap(to - from);
            return;
        }

        var start = from == _last.Ticks ? new BoundingValue(_last.Status, _last.Number, true) : _low;
        if (start.Status.IsBad)
        {
            _statistics.AddGap(to - from);
            return;
        }

        var isLine = !Options.Stepped && hasNext && !IsBad(next.Status);
        var end = isLine ? Line.At(to, _last, next) : start.Number;
        // A line that is cut short of a stored value ends in an uncertain one: that makes the time bad where uncertain means bad.
        var endsBad = !Options.Stepped && isCut && !isLine && Options.TreatUncertainAsBad;
        _statistics.AddRegion(to - from, start.Number, end, start.Status, IsBad(start.Status), endsBad);
    }

    private AggregateResult Result(in BoundingValue high, bool dataEnds)
    {
        var partial = PartialBit(dataEnds);
        var calculated = partial | HistorianBits.Calculated;
        ref var s = ref _statistics;
        var (start, end) = IsBackward ? (high, _low) : (_low, high);
        switch (Function)
        {
            case AggregateFunction.StartBound:
                return start.Status.IsBad
                    ? NoData(partial)
                    : Of(start.Status.With(start.IsRaw ? partial : partial | HistorianBits.Interpolated), start.Number);
            case AggregateFunction.EndBound:
                return end.Status.IsBad ? NoData(partial) : Of(end.Status.With(calculated), end.Number);
            case AggregateFunction.DeltaBounds:
                if (start.Status.IsBad || end.Status.IsBad)
                    return NoData(partial);
                var both = start.Status.IsGood && end.Status.IsGood ? StatusCodes.Good : StatusCodes.UncertainDataSubNormal;
                return Of(both.With(calculated), end.Number - start.Number);
            case AggregateFunction.DurationGood:
                return Of(StatusCodes.Good.With(calculated), Milliseconds(s.GoodTicks));
            case AggregateFunction.DurationBad:
                return Of(StatusCodes.Good.With(calculated), Milliseconds(s.BadTicks));
            case AggregateFunction.PercentGood:
                return Of(StatusCodes.Good.With(calculated), 100.0 * s.GoodTicks / s.AllTicks);
            case AggregateFunction.PercentBad:
                return Of(StatusCodes.Good.With(calculated), 100.0 * s.BadTicks / s.AllTicks);
        }

        // A stepped value holds up to the interval's end and says nothing of the end itself.
        if (!Options.Stepped && (!IsBackward || !high.IsRaw))
            s.AddBound(Interval.High, high, IsBad(high.Status));
        if (Function == AggregateFunction.WorstQuality2)
        {
            var bits = s.Worst.IsGood || s.WorstCount == 1 ? calculated : calculated | HistorianBits.MultipleValues;
            return Of(StatusCodes.Good.With(bits), s.Worst.Value, AggregateValueType.StatusCode);
        }

        if (!s.HasValues)
            return NoData(partial);
        var status = s.Status(Options);
        if (status.IsBad)
            return new(Interval.Timestamp, status.With(calculated), AggregateValueType.None, 0, default);
        return Function switch
        {
            AggregateFunction.TimeAverage2 when s.ValueTicks > 0 => Of(status.With(calculated), s.Area / s.ValueTicks),
            AggregateFunction.Total2 => Of(status.With(calculated), s.Area / TimeSpan.TicksPerSecond),
            AggregateFunction.DurationInStateZero => Of(status.With(calculated), Milliseconds(s.ZeroTicks)),
            AggregateFunction.DurationInStateNonZero => Of(status.With(calculated), Milliseconds(s.GoodTicks - s.ZeroTicks)),
            AggregateFunction.Range2 when s.HasExtremes => Of(status.With(calculated), s.Maximum.Number - s.Minimum.Number),
            AggregateFunction.Minimum2 when s.HasExtremes => Extreme(s.Minimum, status, partial, atActualTime: false),
            AggregateFunction.Maximum2 when s.HasExtremes => Extreme(s.Maximum, status, partial, atActualTime: false),
            AggregateFunction.MinimumActualTime2 when s.HasExtremes => Extreme(s.Minimum, status, partial, atActualTime: true),
            AggregateFunction.MaximumActualTime2 when s.HasExtremes => Extreme(s.Maximum, status, partial, atActualTime: true),
            _ => NoData(partial),
        };
    }

    private AggregateResult Extreme(in RegionExtreme extreme, StatusCode status, HistorianBits bits, bool atActualTime)
    {
        if (extreme.Count > 1)
            bits |= HistorianBits.MultipleValues;
        var ticks = extreme.Ticks;
        // The bound at the interval's far end is no part of it: its time is given as a millisecond short of it.
        var isFarEnd = ticks == (IsBackward ? Interval.Low : Interval.High);
        if (atActualTime && isFarEnd)
            ticks += IsBackward ? TimeSpan.TicksPerMillisecond : -TimeSpan.TicksPerMillisecond;
        if (extreme.IsInterpolated || (atActualTime && isFarEnd))
            bits |= HistorianBits.Interpolated;
        else if (!atActualTime && extreme.Ticks != Interval.Timestamp)
            bits |= HistorianBits.Calculated;
        return new(atActualTime ? ticks : Interval.Timestamp, status.With(bits), AggregateValueType.Double, extreme.Number, default);
    }

    private static double Milliseconds(long ticks) => (double)ticks / TimeSpan.TicksPerMillisecond;
}
