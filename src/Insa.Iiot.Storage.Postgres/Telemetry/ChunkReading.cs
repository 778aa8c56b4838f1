using Insa.Iiot.Storage.Postgres.Chunks;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Reads a device's chunks: metric_no, t0, t1, d and, for a range, how many there were.</summary>
internal sealed class ChunkReading(DeviceStreams streams, long first)
{
    private readonly ChunkDecoder _decoder = new();
    private readonly SeriesColumns _columns = new();
    private readonly List<(int MetricNo, DateTime Start, long End, byte[] Bytes)> _found = [];
    private long _total;

    /// <summary>Takes a chunk of a range, in the order of spans.</summary>
    public void Add(NpgsqlDataReader rows)
    {
        _found.Add((rows.GetInt32(0), rows.GetDateTime(1), rows.GetFieldValue<long>(2), rows.GetFieldValue<byte[]>(3)));
        _total = rows.GetInt64(4);
    }

    /// <summary>Adds the last point of a chunk.</summary>
    public void AddLast(NpgsqlDataReader rows, PointWindow window)
    {
        Decode(rows.GetFieldValue<byte[]>(3));
        AddPoint(streams.RankOf(rows.GetInt32(0)), _columns.Count - 1, window);
    }

    /// <summary>Adds the points of what was found.</summary>
    /// <param name="most">How many chunks were asked for at most.</param>
    /// <param name="window">Where the points go.</param>
    /// <returns>The time up to which nothing is missing.</returns>
    public long Complete(int most, PointWindow window)
    {
        var last = long.MaxValue;
        if (_total == most || _total > _found.Count)
        {
            // There are more: the last span may not be whole if the limit cut it, and what follows was not looked at.
            if (_found.Count == most)
            {
                var cut = _found[^1].Start;
                _found.RemoveAll(chunk => chunk.Start == cut);
            }

            foreach (var chunk in _found)
                last = last == long.MaxValue ? chunk.End : Math.Max(last, chunk.End);
        }

        foreach (var (metricNo, _, _, bytes) in _found)
        {
            Decode(bytes);
            var rank = streams.RankOf(metricNo);
            window.Reserve(_columns.Count);
            var start = _columns.Times.BinarySearch(first);
            for (var i = start < 0 ? ~start : start; i < _columns.Count; i++)
                AddPoint(rank, i, window);
        }

        return last;
    }

    private void Decode(byte[] bytes)
    {
        if (!_decoder.TryDecode(bytes, ChunkFormat.MaxPoints, ChunkFormat.MaxTextBytes, _columns))
            throw new TelemetryStoreException("A stored chunk cannot be read: restore it from a backup.", isTransient: false);
    }

    // All that is in a chunk arrived before any frame that is still there.
    private void AddPoint(int rank, int index, PointWindow window)
    {
        var kind = _columns.Kinds[index];
        var text = SeriesColumns.IsText(kind) ? _columns.GetUtf8(index) : default;
        var value = FrameCodec.ValueOf(kind, _columns.Bits[index], text);
        window.Add(new WindowPoint(_columns.Times[index], rank, long.MinValue, value, _columns.Qualities[index]));
    }
}
