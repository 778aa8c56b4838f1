using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.History.Aggregates;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>Reads the values at instants, stored or interpolated (Part 11 §6.5.5).</summary>
internal sealed class AtTimeHistory(ReadAtTimeDetails details, HistoryLimits limits) : IHistoryDetails
{
    private readonly long[] _times = details.ReqTimes ?? [];

    public int Count => _times.Length;

    public HistoryQuestion Question(uint aggregate)
    {
        var times = default(HashCode);
        foreach (var time in _times)
            times.Add(time);
        return new(details.EncodingId, _times.Length, times.ToHashCode(), 0, 0, details.UseSimpleBounds ? 1u : 0);
    }

    public StatusCode Check(uint aggregate) => StatusCodes.Good;

    public async ValueTask<HistoryPosition?> ReadAsync(
        SeriesReader series,
        uint aggregate,
        HistoryPosition? position,
        int limit,
        int maxBytes,
        HistoryDataWriter data,
        CancellationToken cancellationToken
    )
    {
        var options = AggregateOptions.Default with { Stepped = series.IsStepped };
        for (var i = (int)(position?.Next ?? 0); i < _times.Length; i++)
        {
            if (data.Count >= limit || data.Bytes >= maxBytes)
                return new HistoryPosition(i);
            data.Add(await AtAsync(series, UaDateTime.ToTicks(_times[i]), options, cancellationToken).ConfigureAwait(false));
        }

        return null;
    }

    private async ValueTask<AggregateResult> AtAsync(
        SeriesReader series,
        long ticks,
        AggregateOptions options,
        CancellationToken cancellationToken
    )
    {
        var function = details.UseSimpleBounds ? AggregateFunction.StartBound : AggregateFunction.Interpolative;
        var calculator = AggregateCalculator.Of(function, options, ProcessingIntervals.Of(ticks, ticks + 1, 1));
        HistorySample? exact = null;
        await foreach (var sample in series.ForwardAsync(ticks, ticks + 1, 1, cancellationToken).ConfigureAwait(false))
            exact = sample;
        // What is stored at the very time is told as it is, whatever its quality.
        if (exact is { } stored)
            return new(ticks, stored.Status, AggregateValueType.Stored, stored.Number, stored.Value);

        var bounds = await series
            .BoundAsync(ticks, details.UseSimpleBounds ? 0 : 2, options.TreatUncertainAsBad, cancellationToken)
            .ConfigureAwait(false);
        SeriesFeed.AddBounds(calculator, bounds, interpolates: !details.UseSimpleBounds);
        await SeriesFeed
            .AddAsync(calculator, series, ticks, ticks + limits.MaxBoundDistance.Ticks, limits.MaxLookAhead, cancellationToken)
            .ConfigureAwait(false);
        calculator.Complete();
        return calculator.Results[0] with { Ticks = ticks };
    }
}
