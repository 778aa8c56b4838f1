using System.Runtime.InteropServices;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>What the time of one interval is covered with.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct RegionStatistics
{
    private long _badStatusTicks;

    /// <summary>The time that anything is known of, in ticks.</summary>
    public long AllTicks { get; private set; }

    /// <summary>The time that starts with a Good value.</summary>
    public long GoodTicks { get; private set; }

    /// <summary>The time without a value, or with a bad one.</summary>
    public long BadTicks { get; private set; }

    /// <summary>The time that starts with a value.</summary>
    public long ValueTicks { get; private set; }

    /// <summary>The part of <see cref="GoodTicks"/> in which the value is zero.</summary>
    public long ZeroTicks { get; private set; }

    /// <summary>The area under the values, in their unit times ticks.</summary>
    public double Area { get; private set; }

    /// <summary>Whether any value is known, even if uncertain ones count as bad.</summary>
    public bool HasValues { get; private set; }

    public RegionExtreme Minimum { get; private set; }

    public RegionExtreme Maximum { get; private set; }

    public readonly bool HasExtremes => Minimum.Count > 0;

    /// <summary>The first of the worst statuses, those of the bounds among them.</summary>
    public StatusCode Worst { get; private set; }

    public int WorstCount { get; private set; }

    /// <summary>Counts time without a value.</summary>
    public void AddGap(long ticks)
    {
        AllTicks += ticks;
        BadTicks += ticks;
        _badStatusTicks += ticks;
    }

    /// <summary>Counts time that one value, or one line, covers; of what <paramref name="endsBad"/>, only the start is good enough.</summary>
    public void AddRegion(long ticks, double start, double end, StatusCode status, bool isBad, bool endsBad)
    {
        HasValues = true;
        if (isBad)
        {
            AddGap(ticks);
            return;
        }

        AllTicks += ticks;
        ValueTicks += ticks;
        Area += (start + end) * 0.5 * ticks;
        if (endsBad)
            _badStatusTicks += ticks;
        if (!status.IsGood)
            return;
        GoodTicks += ticks;
        if (start == 0)
            ZeroTicks += ticks;
    }

    /// <summary>Counts a stored value of the interval.</summary>
    public void AddValue(long ticks, double number, StatusCode status, bool isBad)
    {
        AddStatus(status);
        if (!isBad)
            AddExtremes(ticks, number, false);
    }

    /// <summary>Counts the value at an end of the interval.</summary>
    public void AddBound(long ticks, in BoundingValue bound, bool isBad)
    {
        AddStatus(bound.Status);
        if (!isBad)
            AddExtremes(ticks, bound.Number, !bound.IsRaw);
    }

    /// <summary>The time-based status (Part 13 §5.3.2.2).</summary>
    public readonly StatusCode Status(in AggregateOptions options)
    {
        if ((AllTicks - _badStatusTicks) * 100.0 >= options.PercentDataGood * (double)AllTicks)
            return StatusCodes.Good;
        return _badStatusTicks * 100.0 >= options.PercentDataBad * (double)AllTicks ? StatusCodes.Bad : StatusCodes.UncertainDataSubNormal;
    }

    private void AddStatus(StatusCode status)
    {
        var severity = status.Severity() - Worst.Severity();
        if (severity > 0)
            (Worst, WorstCount) = (status, 1);
        else if (severity == 0)
            WorstCount++;
    }

    private void AddExtremes(long ticks, double number, bool isInterpolated)
    {
        var one = new RegionExtreme(ticks, number, isInterpolated, 1);
        if (Minimum.Count == 0)
        {
            Minimum = Maximum = one;
            return;
        }

        if (number < Minimum.Number)
            Minimum = one;
        else if (number == Minimum.Number)
            Minimum = Minimum with { Count = Minimum.Count + 1 };
        if (number > Maximum.Number)
            Maximum = one;
        else if (number == Maximum.Number)
            Maximum = Maximum with { Count = Maximum.Count + 1 };
    }
}
