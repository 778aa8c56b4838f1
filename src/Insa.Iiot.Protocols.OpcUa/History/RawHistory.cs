using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>Reads stored values (Part 11 §6.5.3): of a range or a number of them, oldest or newest first, with what bounds them.</summary>
internal sealed class RawHistory : IHistoryDetails
{
    private readonly ReadRawModifiedDetails _details;
    private readonly long? _start;
    private readonly long? _end;
    private readonly int _count;

    public RawHistory(ReadRawModifiedDetails details)
    {
        _details = details;
        _start = Ticks(details.StartTime);
        _end = Ticks(details.EndTime);
        _count = (int)Math.Min(details.NumValuesPerNode, int.MaxValue);
    }

    /// <summary>Newest first: an end before the start, or an end alone.</summary>
    private bool IsBackward => _start is not { } start || (_end is { } end && end < start);

    public HistoryQuestion Question(uint aggregate) =>
        new(_details.EncodingId, _details.StartTime, _details.EndTime, 0, 0, _details.ReturnBounds ? 1u : 0);

    public StatusCode Check(uint aggregate)
    {
        if (_details.IsReadModified)
            return _details.ReturnBounds ? StatusCodes.BadInvalidArgument : StatusCodes.BadHistoryOperationUnsupported;
        // Two of the three say what is meant (Part 11 §6.5.3.2).
        var given = (_start is null ? 0 : 1) + (_end is null ? 0 : 1) + (_count == 0 ? 0 : 1);
        return given >= 2 ? StatusCodes.Good : StatusCodes.BadHistoryOperationInvalid;
    }

    public ValueTask<HistoryPosition?> ReadAsync(
        SeriesReader series,
        uint aggregate,
        HistoryPosition? position,
        int limit,
        int maxBytes,
        HistoryDataWriter data,
        CancellationToken cancellationToken
    )
    {
        if (_count > 0)
            limit = Math.Min(limit, _count);
        return IsBackward
            ? BackwardAsync(series, position, limit, maxBytes, data, cancellationToken)
            : ForwardAsync(series, position, limit, maxBytes, data, cancellationToken);
    }

    private async ValueTask<HistoryPosition?> ForwardAsync(
        SeriesReader series,
        HistoryPosition? position,
        int limit,
        int maxBytes,
        HistoryDataWriter data,
        CancellationToken cancellationToken
    )
    {
        var start = _start!.Value;
        var from = position?.Next ?? start;
        // A range holds its start and not its end; one instant holds itself.
        var to =
            _end is not { } end ? long.MaxValue
            : end == start ? end + 1
            : end;
        var needsBound = _details.ReturnBounds && position is null;
        if (to > from)
        {
            await foreach (
                var sample in series
                    .ForwardAsync(from, to, limit == int.MaxValue ? limit : limit + 1, cancellationToken)
                    .ConfigureAwait(false)
            )
            {
                if (needsBound && sample.Ticks != start)
                    await AddEarlierAsync(series, start, data, cancellationToken).ConfigureAwait(false);
                needsBound = false;
                if (data.Count >= limit || data.Bytes >= maxBytes)
                    return new HistoryPosition(sample.Ticks);
                data.Add(sample);
            }
        }

        if (needsBound)
            await AddEarlierAsync(series, start, data, cancellationToken).ConfigureAwait(false);
        if (!_details.ReturnBounds || _end is not { } last || last == start)
            return null;
        if (data.Count >= limit)
            return new HistoryPosition(last);
        await AddLaterAsync(series, last, data, cancellationToken).ConfigureAwait(false);
        return null;
    }

    private async ValueTask<HistoryPosition?> BackwardAsync(
        SeriesReader series,
        HistoryPosition? position,
        int limit,
        int maxBytes,
        HistoryDataWriter data,
        CancellationToken cancellationToken
    )
    {
        var start = _start ?? _end!.Value;
        long? end = _start is null ? null : _end;
        var to = position?.Next ?? start;
        var samples = await series.BackwardAsync((end ?? -1) + 1, to + 1, limit + 1, cancellationToken).ConfigureAwait(false);
        if (_details.ReturnBounds && position is null && (samples.Count == 0 || samples[0].Ticks != start))
            await AddLaterAsync(series, start, data, cancellationToken).ConfigureAwait(false);
        foreach (var sample in samples)
        {
            if (data.Count >= limit || data.Bytes >= maxBytes)
                return new HistoryPosition(sample.Ticks);
            data.Add(sample);
        }

        if (!_details.ReturnBounds || end is not { } last)
            return null;
        if (data.Count >= limit)
            return new HistoryPosition(last);
        await AddEarlierAsync(series, last, data, cancellationToken, orAt: true).ConfigureAwait(false);
        return null;
    }

    private static async ValueTask AddEarlierAsync(
        SeriesReader series,
        long ticks,
        HistoryDataWriter data,
        CancellationToken cancellationToken,
        bool orAt = false
    )
    {
        var bounds = await series.BoundAsync(orAt ? ticks + 1 : ticks, 0, uncertainIsBad: false, cancellationToken).ConfigureAwait(false);
        AddBound(bounds.Last, ticks, data);
    }

    private static async ValueTask AddLaterAsync(
        SeriesReader series,
        long ticks,
        HistoryDataWriter data,
        CancellationToken cancellationToken
    ) => AddBound(await series.NextAsync(ticks, cancellationToken).ConfigureAwait(false), ticks, data);

    private static void AddBound(HistorySample? bound, long ticks, HistoryDataWriter data)
    {
        if (bound is { } sample)
            data.Add(sample);
        else
            data.AddMissing(ticks, StatusCodes.BadBoundNotFound);
    }

    private static long? Ticks(long uaTicks) => uaTicks == 0 ? null : UaDateTime.ToTicks(uaTicks);
}
