using Insa.Iiot.Storage.Postgres.Chunks;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Reads a device's chunks: metric_no, t0, t1, d and, for a range, how many there were and how many points this one has.</summary>
internal sealed class ChunkReading(DeviceStreams streams, long first)
{
    private const long MostTextBytes = 4 * 1024 * 1024;

    private readonly ChunkDecoder _decoder = new();
    private readonly SeriesColumns _columns = new();
    private readonly List<(int MetricNo, DateTime Start, long End, byte[] Bytes)> _found = [];
    private long _total;
    private long _points;

    /// <summary>Takes a chunk of a range, in the order of spans.</summary>
    public void Add(NpgsqlDataReader rows)
    {
        _found.Add((rows.GetInt32(0), rows.GetDateTime(1), rows.GetFieldValue<long>(2), rows.GetFieldValue<byte[]>(3)));
        _total = rows.GetInt64(4);
        _points += rows.GetInt32(5);
    }

    /// <summary>Adds the last point of a chunk.</summary>
    public void AddLast(NpgsqlDataReader rows, PointWindow window)
    {
        Decode(rows.GetFieldValue<byte[]>(3));
        window.AddRange(_columns, ^1.., streams.RankOf(rows.GetInt32(0)));
    }

    /// <summary>Adds the points of what was found.</summary>
    /// <param name="most">How many chunks were asked for at most.</param>
    /// <param name="mostPoints">How many points are wanted, about: of more than that, those of the first times.</param>
    /// <param name="window">Where the points go.</param>
    /// <returns>The time up to which nothing is missing.</returns>
    public long Complete(int most, int mostPoints, PointWindow window)
    {
        var last = LastWholeSpan(most);
        var mostPerChunk = _points > mostPoints ? Math.Max(1, mostPoints / Math.Max(1, _found.Count)) : int.MaxValue;
        foreach (var (metricNo, _, _, bytes) in _found)
        {
            Decode(bytes);
            var start = Place(first);
            var end = Math.Max(start, last == long.MaxValue ? _columns.Count : Place(last + 1));
            var mostHere = _columns.TextBytes == 0 ? mostPerChunk : Math.Min(mostPerChunk, MostOfText());
            if (end - start > mostHere)
            {
                end = start + mostHere;
                last = _columns.Times[end] - 1;
            }

            window.AddRange(_columns, start..end, streams.RankOf(metricNo));
        }

        return last;
    }

    private long LastWholeSpan(int most)
    {
        if (_total != most && _total <= _found.Count)
            return long.MaxValue;

        // There are more: the last span may not be whole if the limit cut it, and what follows was not looked at.
        if (_found.Count == most)
        {
            var cut = _found[^1].Start;
            _found.RemoveAll(chunk => chunk.Start == cut);
        }

        return _found.Count == 0 ? long.MaxValue : _found.Max(chunk => chunk.End);
    }

    private int MostOfText() => (int)Math.Clamp(_columns.Count * MostTextBytes / _columns.TextBytes, 1, int.MaxValue);

    private int Place(long time)
    {
        var place = _columns.Times.BinarySearch(time);
        return place < 0 ? ~place : place;
    }

    private void Decode(byte[] bytes)
    {
        if (!_decoder.TryDecode(bytes, ChunkFormat.MaxPoints, ChunkFormat.MaxTextBytes, _columns))
            throw new TelemetryStoreException("A stored chunk cannot be read: restore it from a backup.", isTransient: false);
    }
}
