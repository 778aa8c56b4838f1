using System.Buffers.Binary;
using Insa.Iiot.Storage.Postgres.Chunks;
using Insa.Iiot.Storage.Postgres.Telemetry;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>One portion of a compaction: frames in, chunks out. Reused from portion to portion.</summary>
internal sealed class CompactionWork(long t0)
{
    private const long BytesPerPoint = 32;
    private const long MostBytes = 256 * 1024 * 1024;
    private const int MostReserved = 1_000_000;
    private const int BytesPerUnreadable = 64;

    // A device is not divided, and the fastest have more to say.
    private const long MostBytesOfOneDevice = 4L * 1024 * 1024 * 1024;

    private readonly Dictionary<(int DeviceNo, int MetricNo), SeriesBuilder> _series = [];
    private readonly Dictionary<int, SeriesBuilder[]> _streams = [];
    private readonly Stack<SeriesBuilder> _kept = new();
    private readonly ChunkEncoder _encoder = new();
    private readonly ChunkDecoder _decoder = new();
    private readonly SeriesColumns _decoded = new();
    private readonly ChunkRows _rows = new();
    private readonly List<(int StreamNo, long Time, long Arrived)> _unreadableFrames = [];
    private readonly List<(int DeviceNo, int MetricNo)> _unreadableChunks = [];
    private bool _hasFrames;
    private bool _isOfOneDevice;
    private long _bytes;

    public int TenantNo { get; private set; }

    /// <summary>The streams of this portion.</summary>
    public IEnumerable<int> StreamNos => _streams.Keys;

    /// <summary>Whether no frame was added that can be read.</summary>
    public bool IsEmpty => !_hasFrames;

    /// <summary>Whether there is more than fits into memory.</summary>
    public bool IsFull => _bytes > (_isOfOneDevice ? MostBytesOfOneDevice : MostBytes);

    /// <summary>Whether a chunk that was there is now part of a new one.</summary>
    public bool HasMerged { get; private set; }

    /// <summary>Frames that are not of their stream's layout. They are left out.</summary>
    public IReadOnlyList<(int StreamNo, long Time, long Arrived)> UnreadableFrames => _unreadableFrames;

    /// <summary>Chunks that do not decode. They are left out.</summary>
    public IReadOnlyList<(int DeviceNo, int MetricNo)> UnreadableChunks => _unreadableChunks;

    /// <summary>What <see cref="Encode"/> made, in the binary format of COPY.</summary>
    public ReadOnlyMemory<byte> Rows => _rows.Written;

    public long TotalPoints { get; private set; }

    public long TotalChunks { get; private set; }

    public long TotalBytes { get; private set; }

    /// <summary>What points take in memory, about.</summary>
    public static long BytesOf(long points) => BytesPerPoint * points;

    public void Begin(int tenantNo, List<SpanStreams.Stream> streams)
    {
        TenantNo = tenantNo;
        foreach (var series in _series.Values)
        {
            series.Clear();
            _kept.Push(series);
        }

        _series.Clear();
        _streams.Clear();
        _unreadableFrames.Clear();
        _unreadableChunks.Clear();
        _hasFrames = false;
        HasMerged = false;
        _bytes = 0;
        _isOfOneDevice = streams.TrueForAll(stream => stream.DeviceNo == streams[0].DeviceNo);
        foreach (var stream in streams)
        {
            var series = Array.ConvertAll(stream.MetricNos, metricNo => Series(stream.DeviceNo, metricNo));
            _streams.Add(stream.StreamNo, series);

            // Within bounds: the count is from before the read, and a device is not divided.
            foreach (var one in series)
                one.Reserve(Math.Min(stream.Frames, MostReserved));
        }
    }

    public void AddFrame(int streamNo, long time, long arrived, ReadOnlySpan<byte> vals, ReadOnlySpan<byte> extra)
    {
        var series = _streams[streamNo];
        if (!FrameCodec.IsWhole(vals, extra, series.Length))
        {
            _unreadableFrames.Add((streamNo, time, arrived));
            _bytes += BytesPerUnreadable;
            return;
        }

        _hasFrames = true;
        _bytes += BytesOf(series.Length) + extra.Length;
        if (extra.IsEmpty)
        {
            for (var i = 0; i < series.Length; i++)
                series[i].AddDouble(time, arrived, BinaryPrimitives.ReadInt64BigEndian(vals[(i * FrameCodec.ValueBytes)..]));
            return;
        }

        for (var i = 0; i < series.Length; i++)
        {
            var (kind, bits, quality) = FrameCodec.Read(vals, extra, series.Length, i);
            series[i]
                .Add(
                    time,
                    arrived,
                    kind,
                    bits,
                    SeriesColumns.IsText(kind) ? FrameCodec.TextOf(extra, series.Length, bits) : default,
                    quality
                );
        }
    }

    public void AddChunk(int deviceNo, int metricNo, byte[] chunk)
    {
        if (!_decoder.TryDecode(chunk, ChunkFormat.MaxPoints, ChunkFormat.MaxTextBytes, _decoded))
        {
            _unreadableChunks.Add((deviceNo, metricNo));
            _bytes += BytesPerUnreadable;
            return;
        }

        _bytes += BytesOf(_decoded.Count) + chunk.Length;
        Series(deviceNo, metricNo).Add(_decoded);
        HasMerged = true;
    }

    /// <summary>The series that have points.</summary>
    public (int[] DeviceNos, int[] MetricNos) Keys()
    {
        var keys = _series.Where(series => series.Value.Count > 0).Select(series => series.Key).ToList();
        return ([.. keys.Select(key => key.DeviceNo)], [.. keys.Select(key => key.MetricNo)]);
    }

    /// <summary>Makes the chunks, and reads each back to see that it holds the very same bits.</summary>
    public void Encode()
    {
        _rows.Begin();
        foreach (var ((deviceNo, metricNo), series) in _series)
        {
            if (series.Count == 0)
                continue;
            var columns = series.Complete();
            var chunk = _encoder.Encode(columns);
            if (!_decoder.TryDecode(chunk, ChunkFormat.MaxPoints, ChunkFormat.MaxTextBytes, _decoded) || !AreSame(columns, _decoded))
                throw new TelemetryStoreException("A chunk did not read back as it was written; its frames stay.", isTransient: false);
            _rows.Append(TenantNo, deviceNo, metricNo, t0, columns, chunk);
            TotalPoints += columns.Count;
            TotalChunks++;
            TotalBytes += chunk.Length;
        }

        _rows.End();
    }

    /// <summary>The points of the series that have any.</summary>
    public IEnumerable<(int DeviceNo, int MetricNo, SeriesColumns Columns)> Series()
    {
        foreach (var ((deviceNo, metricNo), series) in _series)
        {
            if (series.Count > 0)
                yield return (deviceNo, metricNo, series.Complete());
        }
    }

    private SeriesBuilder Series(int deviceNo, int metricNo)
    {
        if (!_series.TryGetValue((deviceNo, metricNo), out var series))
            _series.Add((deviceNo, metricNo), series = _kept.TryPop(out var kept) ? kept : new SeriesBuilder());
        return series;
    }

    private static bool AreSame(SeriesColumns written, SeriesColumns read)
    {
        if (
            !written.Times.SequenceEqual(read.Times)
            || !written.Kinds.SequenceEqual(read.Kinds)
            || !written.Qualities.SequenceEqual(read.Qualities)
        )
            return false;
        if (!written.Kinds.ContainsAny(TelemetryValueKind.Text, TelemetryValueKind.Json))
            return written.Bits.SequenceEqual(read.Bits);
        for (var i = 0; i < written.Count; i++)
        {
            var isSame = SeriesColumns.IsText(written.Kinds[i])
                ? written.GetUtf8(i).SequenceEqual(read.GetUtf8(i))
                : written.Bits[i] == read.Bits[i];
            if (!isSame)
                return false;
        }

        return true;
    }
}
