using Insa.Iiot.Storage.Postgres.Chunks;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>Gathers the points of one series from frames and from the chunk there was, and puts them in order. Reused.</summary>
internal sealed class SeriesBuilder
{
    private readonly SeriesColumns _ordered = new();
    private readonly SeriesColumns _gathered = new();
    private long[] _arrivals = new long[64];
    private bool _ascends = true;
    private long _last = long.MinValue;

    public int Count => _gathered.Count;

    public void Clear()
    {
        _gathered.Clear();
        _ascends = true;
        _last = long.MinValue;
    }

    /// <summary>Makes room for points that are to come.</summary>
    public void Reserve(int more)
    {
        _gathered.EnsureCapacity(_gathered.Count + more);
        if (_arrivals.Length < _gathered.Count + more)
            Array.Resize(ref _arrivals, _gathered.Count + more);
    }

    /// <summary>Adds a value of a frame.</summary>
    /// <param name="time">When, in microseconds since 2000.</param>
    /// <param name="arrived">The frame's place in the order of arrival.</param>
    /// <param name="kind">The value's type.</param>
    /// <param name="bits">The value.</param>
    /// <param name="text">The text of a text or JSON value.</param>
    /// <param name="quality">The value's quality.</param>
    public void Add(long time, long arrived, TelemetryValueKind kind, long bits, ReadOnlySpan<byte> text, TelemetryQuality quality)
    {
        Note(time, arrived);
        if (SeriesColumns.IsText(kind))
            _gathered.AppendText(time, kind, text, quality);
        else
            _gathered.Append(time, kind, bits, quality);
    }

    /// <summary>Adds a good double of a frame.</summary>
    public void AddDouble(long time, long arrived, long bits)
    {
        Note(time, arrived);
        _gathered.AppendDouble(time, bits);
    }

    /// <summary>Adds what was in a chunk, all of which arrived before any frame that is still there.</summary>
    public void Add(SeriesColumns chunk)
    {
        for (var i = 0; i < chunk.Count; i++)
        {
            var kind = chunk.Kinds[i];
            Add(
                chunk.Times[i],
                long.MinValue,
                kind,
                chunk.Bits[i],
                SeriesColumns.IsText(kind) ? chunk.GetUtf8(i) : default,
                chunk.Qualities[i]
            );
        }
    }

    /// <summary>The points by time, each time once: of several values for it, the one that arrived last.</summary>
    public SeriesColumns Complete()
    {
        if (_ascends)
            return _gathered;

        var places = new int[_gathered.Count];
        for (var i = 0; i < places.Length; i++)
            places[i] = i;
        var (gathered, arrivals) = (_gathered, _arrivals);
        Array.Sort(
            places,
            (a, b) =>
            {
                var order = gathered.Times[a].CompareTo(gathered.Times[b]);
                if (order == 0)
                    order = arrivals[a].CompareTo(arrivals[b]);
                return order != 0 ? order : a.CompareTo(b);
            }
        );
        _ordered.Clear();
        for (var i = 0; i < places.Length; i++)
        {
            var place = places[i];
            if (i + 1 < places.Length && gathered.Times[place] == gathered.Times[places[i + 1]])
                continue;
            var kind = gathered.Kinds[place];
            if (SeriesColumns.IsText(kind))
                _ordered.AppendText(gathered.Times[place], kind, gathered.GetUtf8(place), gathered.Qualities[place]);
            else
                _ordered.Append(gathered.Times[place], kind, gathered.Bits[place], gathered.Qualities[place]);
        }

        return _ordered;
    }

    private void Note(long time, long arrived)
    {
        var count = _gathered.Count;
        if (count == _arrivals.Length)
            Array.Resize(ref _arrivals, count * 2);
        _arrivals[count] = arrived;
        _ascends &= time > _last;
        _last = time;
    }
}
