using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.History.Aggregates;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>Gives the values of a series to an aggregate.</summary>
internal static class SeriesFeed
{
    /// <summary>Gives it what comes before its range.</summary>
    public static void AddBounds(AggregateCalculator calculator, in BoundingSamples bounds, bool interpolates)
    {
        if (interpolates)
        {
            foreach (var sample in bounds.Good())
                calculator.Add(Numeric(sample));
        }
        else if (bounds.Last is { } last)
        {
            calculator.Add(Numeric(last));
        }
    }

    /// <summary>Gives it values from a time on until it needs no more, or the limits are reached.</summary>
    public static async ValueTask AddAsync(
        AggregateCalculator calculator,
        SeriesReader series,
        long from,
        long to,
        int limit,
        CancellationToken cancellationToken
    )
    {
        if (calculator.IsComplete)
            return;
        await foreach (var sample in series.ForwardAsync(from, to, limit, cancellationToken).ConfigureAwait(false))
        {
            calculator.Add(Numeric(sample));
            if (calculator.IsComplete)
                return;
        }
    }

    // Text is no number: to an aggregate it is a bad value.
    private static HistorySample Numeric(in HistorySample sample) =>
        double.IsNaN(sample.Number) ? sample with { Number = 0, Status = StatusCodes.BadAggregateInvalidInputs } : sample;
}
