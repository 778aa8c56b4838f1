using System.Runtime.InteropServices;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>What the values of one interval come to.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct RawStatistics
{
    private double _squares;

    /// <summary>All values.</summary>
    public int Count { get; private set; }

    /// <summary>Those that are Good: the ones that count.</summary>
    public int Good { get; private set; }

    /// <summary>Those that are bad, or treated so.</summary>
    public int Bad { get; private set; }

    /// <summary>Values that are not bad and differ from the one before.</summary>
    public int Transitions { get; private set; }

    public HistorySample First { get; private set; }

    public HistorySample Last { get; private set; }

    public double FirstGood { get; private set; }

    public double LastGood { get; private set; }

    /// <summary>The first of the least values.</summary>
    public HistorySample Minimum { get; private set; }

    public int MinimumCount { get; private set; }

    /// <summary>The first of the greatest values.</summary>
    public HistorySample Maximum { get; private set; }

    public int MaximumCount { get; private set; }

    public double Mean { get; private set; }

    /// <summary>The first of the worst statuses.</summary>
    public StatusCode Worst { get; private set; }

    public int WorstCount { get; private set; }

    public void Add(in HistorySample sample, bool isBad, bool isTransition)
    {
        if (Count++ == 0)
            First = sample;
        Last = sample;
        var severity = sample.Status.Severity() - Worst.Severity();
        if (severity > 0)
            (Worst, WorstCount) = (sample.Status, 1);
        else if (severity == 0)
            WorstCount++;
        if (isBad)
            Bad++;
        else if (isTransition)
            Transitions++;
        if (sample.Status.IsGood)
            AddGood(sample);
    }

    /// <summary>The variance of the Good values; of one value it is 0.</summary>
    /// <param name="lost">The degrees of freedom lost: 1 for that of a sample.</param>
    public readonly double Variance(int lost) => Good > 1 ? _squares / (Good - lost) : 0;

    private void AddGood(in HistorySample sample)
    {
        var value = sample.Number;
        if (Good++ == 0)
        {
            Minimum = Maximum = sample;
            FirstGood = value;
            MinimumCount = MaximumCount = 1;
        }
        else
        {
            if (value < Minimum.Number)
                (Minimum, MinimumCount) = (sample, 1);
            else if (value == Minimum.Number)
                MinimumCount++;
            if (value > Maximum.Number)
                (Maximum, MaximumCount) = (sample, 1);
            else if (value == Maximum.Number)
                MaximumCount++;
        }

        LastGood = value;
        // Welford's sums: exact enough for values that are large and close together.
        var difference = value - Mean;
        Mean += difference / Good;
        _squares += difference * (value - Mean);
    }
}
