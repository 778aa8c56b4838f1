using System.Buffers;
using Insa.Iiot.Storage.Postgres.Chunks;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>A stretch of a device's points, whole and in order: by time, then metric, one value each. Reused from stretch to stretch.</summary>
internal sealed class PointWindow : IDisposable
{
    private readonly ArrayBufferWriter<byte> _texts = new();
    private readonly List<int> _runs = [];
    private PointColumns _points = new();
    private PointColumns _spare = new();

    /// <summary>How many points there are.</summary>
    public int Count => _points.Count;

    /// <summary>How many bytes of text were added.</summary>
    public int TextBytes => _texts.WrittenCount;

    /// <summary>A point: in order, once <see cref="Complete"/> has seen to it.</summary>
    public WindowPoint this[int index]
    {
        get
        {
            var (time, rank, arrived, kind, bits, quality) = _points[index];
            var utf8 = SeriesColumns.IsText(kind) ? _texts.WrittenSpan.Slice((int)(bits >> 32), (int)bits) : default;
            return new WindowPoint(time, rank, arrived, FrameCodec.ValueOf(kind, bits, utf8), quality);
        }
    }

    public void Clear()
    {
        _points.Truncate(0);
        _texts.ResetWrittenCount();
    }

    /// <summary>Adds a value; <paramref name="utf8"/> is that of a text or JSON value.</summary>
    public void Add(
        long time,
        int rank,
        long arrived,
        TelemetryValueKind kind,
        long bits,
        ReadOnlySpan<byte> utf8,
        TelemetryQuality quality
    )
    {
        if (SeriesColumns.IsText(kind))
        {
            bits = SeriesColumns.TextBits(_texts.WrittenCount, utf8.Length);
            _texts.Write(utf8);
        }

        _points.Add(time, rank, arrived, kind, bits, quality);
    }

    /// <summary>Adds a part of a series from a chunk, all of which arrived before any frame that is still there.</summary>
    public void AddRange(SeriesColumns series, Range part, int rank)
    {
        if (series.TextBytes == 0)
        {
            _points.AddRange(series, part, rank, long.MinValue);
            return;
        }

        var (offset, count) = part.GetOffsetAndLength(series.Count);
        for (var i = offset; i < offset + count; i++)
        {
            var kind = series.Kinds[i];
            var utf8 = SeriesColumns.IsText(kind) ? series.GetUtf8(i) : default;
            Add(series.Times[i], rank, long.MinValue, kind, series.Bits[i], utf8, series.Qualities[i]);
        }
    }

    /// <summary>Leaves what is up to a time, puts it in order, and keeps of each instant and metric what arrived last.</summary>
    public void Complete(long lastTime)
    {
        if (!IsInOrder())
            PutInOrder();
        var end = _points.Times.BinarySearch(lastTime);
        for (end = end < 0 ? ~end : end; end < Count && _points.Times[end] <= lastTime; end++) { }
        _points.Truncate(end);
    }

    public void Dispose()
    {
        _points.Dispose();
        _spare.Dispose();
    }

    // Nearly always the points of one metric come as they are wanted; those of several come metric by metric from chunks.
    private bool IsInOrder()
    {
        _runs.Clear();
        var isUnique = true;
        for (var i = 1; i < Count; i++)
        {
            if (_points.Compare(i - 1, i) > 0)
                _runs.Add(i);
            else
                isUnique &= !_points.IsSame(i - 1, i);
        }

        return isUnique && _runs.Count == 0;
    }

    private void PutInOrder()
    {
        var order = MergeRuns();
        _spare.Truncate(0);
        for (var i = 0; i < order.Length; i++)
        {
            if (i + 1 == order.Length || !_points.IsSame(order[i], order[i + 1]))
                _spare.Add(_points, order[i]);
        }

        (_points, _spare) = (_spare, _points);
    }

    // What is in order already is merged, two runs at a time: stable, so that of equals the one that was added last comes last.
    private int[] MergeRuns()
    {
        var (from, to) = (new int[Count], new int[Count]);
        for (var i = 0; i < from.Length; i++)
            from[i] = i;
        var starts = new List<int>(_runs.Count + 2) { 0 };
        starts.AddRange(_runs);
        while (starts.Count > 1)
        {
            starts.Add(Count);
            var merged = new List<int>((starts.Count / 2) + 1);
            for (var run = 0; run + 1 < starts.Count; run += 2)
            {
                var middle = starts[run + 1];
                Merge(from, to, starts[run], middle, run + 2 < starts.Count ? starts[run + 2] : middle);
                merged.Add(starts[run]);
            }

            (from, to, starts) = (to, from, merged);
        }

        return from;
    }

    private void Merge(int[] from, int[] to, int left, int middle, int end)
    {
        var right = middle;
        for (var at = left; at < end; at++)
        {
            var takesLeft = left < middle && (right == end || _points.Compare(from[left], from[right]) <= 0);
            to[at] = takesLeft ? from[left++] : from[right++];
        }
    }
}
