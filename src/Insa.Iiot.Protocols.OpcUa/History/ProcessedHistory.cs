using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.History.Aggregates;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>
/// Reads aggregates of intervals (Part 11 §6.5.4, Part 13), from the stored values as they stream by. The store's own sums are not used: they
/// do not say whether uncertain values are in them and bad ones left out, which decides a result's value and status.
/// </summary>
internal sealed class ProcessedHistory(ReadProcessedDetails details, HistoryLimits limits) : IHistoryDetails
{
    private readonly long _start = UaDateTime.ToTicks(details.StartTime);
    private readonly long _end = UaDateTime.ToTicks(details.EndTime);
    private readonly AggregateOptions _options = Options(details.AggregateConfiguration);

    public HistoryQuestion Question(uint aggregate) =>
        new(
            details.EncodingId,
            details.StartTime,
            details.EndTime,
            BitConverter.DoubleToInt64Bits(details.ProcessingInterval),
            aggregate,
            (uint)(
                (_options.TreatUncertainAsBad ? 1 : 0)
                | (_options.UseSlopedExtrapolation ? 2 : 0)
                | (_options.PercentDataBad << 8)
                | (_options.PercentDataGood << 16)
            )
        );

    public StatusCode Check(uint aggregate)
    {
        if (!Enum.IsDefined((AggregateFunction)aggregate))
            return StatusCodes.BadAggregateNotSupported;
        if (!_options.IsValid)
            return StatusCodes.BadAggregateConfigurationRejected;
        if (details.StartTime == 0 || details.EndTime == 0 || details.StartTime == details.EndTime)
            return StatusCodes.BadInvalidTimestampArgument;
        return details.ProcessingInterval >= 0 ? StatusCodes.Good : StatusCodes.BadAggregateInvalidInputs;
    }

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
        var function = (AggregateFunction)aggregate;
        var options = _options with { Stepped = series.IsStepped };
        // A value of text may be large, and comes back from few of the aggregates: at most one value per interval.
        var intervals = ProcessingIntervals.Of(_start, _end, IntervalTicks(), position?.Next ?? 0, limit);
        var calculator = AggregateCalculator.Of(function, options, intervals);
        // Annotations are not kept, so there are none to count; the values say which intervals have data at all.
        if (intervals.Count > 0)
            await ComputeAsync(calculator, function, options, intervals, series, cancellationToken).ConfigureAwait(false);
        calculator.Complete();
        foreach (var result in calculator.Results)
            data.Add(function == AggregateFunction.AnnotationCount ? WithoutAnnotations(result) : result);
        return intervals.HasMore ? new HistoryPosition(intervals.Next) : null;
    }

    private async ValueTask ComputeAsync(
        AggregateCalculator calculator,
        AggregateFunction function,
        AggregateOptions options,
        ProcessingIntervals intervals,
        SeriesReader series,
        CancellationToken cancellationToken
    )
    {
        var interpolates = AggregateCalculator.LooksBack(function);
        var bounds = await series
            .BoundAsync(intervals.Low, interpolates ? 2 : 0, options.TreatUncertainAsBad, cancellationToken)
            .ConfigureAwait(false);
        SeriesFeed.AddBounds(calculator, bounds, interpolates);
        await SeriesFeed
            .AddAsync(calculator, series, intervals.Low, intervals.High + 1, int.MaxValue, cancellationToken)
            .ConfigureAwait(false);
        await SeriesFeed
            .AddAsync(
                calculator,
                series,
                intervals.High + 1,
                intervals.High + limits.MaxBoundDistance.Ticks,
                limits.MaxLookAhead,
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    private long IntervalTicks()
    {
        var ticks = details.ProcessingInterval * TimeSpan.TicksPerMillisecond;
        return ticks >= long.MaxValue ? long.MaxValue : Math.Max((long)Math.Round(ticks), details.ProcessingInterval > 0 ? 1 : 0);
    }

    private static AggregateResult WithoutAnnotations(in AggregateResult result) =>
        result.Type == AggregateValueType.None ? result : result with { Number = 0 };

    private static AggregateOptions Options(AggregateConfiguration configuration) =>
        configuration.UseServerCapabilitiesDefaults
            ? AggregateOptions.Default
            : new(
                false,
                configuration.TreatUncertainAsBad,
                configuration.PercentDataBad,
                configuration.PercentDataGood,
                configuration.UseSlopedExtrapolation
            );
}
