namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>
/// A range cut into intervals of one width, starting at its start. An interval holds its start and not its end, in the direction time runs:
/// if the range's end lies before its start, it runs backwards (Part 13 §4.2.2).
/// </summary>
internal readonly struct ProcessingIntervals
{
    private readonly long _start;
    private readonly long _end;
    private readonly long _width;
    private readonly long _first;

    private ProcessingIntervals(long start, long end, long width, long first, int count)
    {
        _start = start;
        _end = end;
        _width = width;
        _first = first;
        Count = count;
    }

    /// <summary>
    /// Makes the intervals of a range whose start and end differ: from the interval numbered <paramref name="first"/> on, and at most
    /// <paramref name="limit"/>. A width of 0 ticks, or of more than the range, makes one interval of all of it.
    /// </summary>
    public static ProcessingIntervals Of(long start, long end, long width, long first = 0, int limit = int.MaxValue)
    {
        var range = Math.Abs(end - start);
        if (width <= 0 || width > range)
            width = range;
        return new(start, end, width, first, (int)Math.Clamp(Total(range, width) - first, 0, limit));
    }

    public int Count { get; }

    public bool IsBackward => _end < _start;

    /// <summary>The earliest instant of any of the intervals.</summary>
    public long Low => IsBackward ? this[0].Low : _start + (_first * _width);

    /// <summary>The latest instant of any of the intervals.</summary>
    public long High => this[Count - 1].High;

    /// <summary>Whether there are intervals behind these, in the direction of the range.</summary>
    public bool HasMore => _first + Count < Total(Math.Abs(_end - _start), _width);

    /// <summary>The first interval behind these.</summary>
    public long Next => _first + Count;

    /// <summary>An interval, the earliest first whichever way the range runs.</summary>
    public ProcessingInterval this[int chronological]
    {
        get
        {
            if (!IsBackward)
            {
                var low = _start + ((_first + chronological) * _width);
                var high = _end - low > _width ? low + _width : _end;
                return new(low, high, low, high - low < _width);
            }

            var top = _start - ((_first + Count - 1 - chronological) * _width);
            var bottom = top - _end > _width ? top - _width : _end;
            return new(bottom, top, top, top - bottom < _width);
        }
    }

    private static long Total(long range, long width) => (range / width) + (range % width == 0 ? 0 : 1);
}
