using Insa.Iiot.Storage.Postgres.Chunks;
using Insa.Iiot.Storage.Postgres.Telemetry;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>The points that an hour has in chunks, handed out metric by metric as far as the frames have come. Reused from hour to hour.</summary>
internal sealed class ChunkCursors
{
    private readonly ChunkDecoder _decoder = new();
    private readonly Dictionary<int, Cursor> _cursors = [];
    private readonly Stack<SeriesColumns> _kept = [];

    /// <summary>How many points were decoded.</summary>
    public long Decoded { get; private set; }

    public void Clear()
    {
        foreach (var cursor in _cursors.Values)
            _kept.Push(cursor.Columns);
        _cursors.Clear();
    }

    /// <summary>Takes a metric's chunk for an hour.</summary>
    /// <returns><see langword="false"/> if it cannot be read.</returns>
    public bool TryAdd(int metricNo, long hour, byte[] chunk)
    {
        var columns = _kept.TryPop(out var kept) ? kept : new SeriesColumns();
        if (!_decoder.TryDecode(chunk, ChunkFormat.MaxPoints, ChunkFormat.MaxTextBytes, columns))
        {
            _kept.Push(columns);
            return false;
        }

        Decoded += columns.Count;
        var end = Place(columns, hour + PostgresTime.PerHour);
        _cursors.Add(metricNo, new Cursor(columns, Place(columns, hour), end));
        return true;
    }

    /// <summary>Hands out a metric's points up to a time.</summary>
    public void VisitUpTo(int metricNo, long time, IPointVisitor visitor)
    {
        if (_cursors.Count > 0 && _cursors.TryGetValue(metricNo, out var cursor))
            Visit(metricNo, cursor, time, visitor);
    }

    /// <summary>Hands out all that is left.</summary>
    public void VisitRest(IPointVisitor visitor)
    {
        foreach (var (metricNo, cursor) in _cursors)
            Visit(metricNo, cursor, long.MaxValue, visitor);
    }

    private static void Visit(int metricNo, Cursor cursor, long time, IPointVisitor visitor)
    {
        var columns = cursor.Columns;
        for (; cursor.Next < cursor.End && columns.Times[cursor.Next] <= time; cursor.Next++)
        {
            // All that is in a chunk arrived before any frame that is still there.
            var at = cursor.Next;
            visitor.Add(metricNo, columns.Times[at], long.MinValue, columns.Kinds[at], columns.Bits[at], columns.Qualities[at]);
        }
    }

    private static int Place(SeriesColumns columns, long time)
    {
        var place = columns.Times.BinarySearch(time);
        return place < 0 ? ~place : place;
    }

    private sealed class Cursor(SeriesColumns columns, int next, int end)
    {
        public SeriesColumns Columns { get; } = columns;

        public int Next { get; set; } = next;

        public int End { get; } = end;
    }
}
