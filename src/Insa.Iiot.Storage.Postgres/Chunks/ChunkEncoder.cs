namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>Packs the points of one series into a chunk (see <see cref="ChunkFormat"/>). Reused for one chunk after the other; not thread-safe.</summary>
internal sealed class ChunkEncoder
{
    private readonly ChunkWriter _writer = new();
    private readonly DoubleColumn _doubles = new();
    private readonly TextColumn _texts = new();
    private long[] _gathered = [];

    /// <returns>The chunk, until the next call.</returns>
    /// <exception cref="ArgumentException">The times do not ascend strictly.</exception>
    public ReadOnlySpan<byte> Encode(SeriesColumns columns)
    {
        ThrowIfNotAscending(columns.Times);
        _writer.Truncate(0);
        _writer.WriteByte(ChunkFormat.Version);
        _writer.WriteVarint((ulong)columns.Count);
        if (columns.Count == 0)
            return _writer.Written;

        ReadOnlySpan<TelemetryValueKind> kinds = columns.Kinds;
        ReadOnlySpan<TelemetryQuality> qualities = columns.Qualities;
        var isMixed = kinds.ContainsAnyExcept(kinds[0]);
        var isAllGood = !qualities.ContainsAnyExcept(TelemetryQuality.Good);
        _writer.WriteByte((byte)((isMixed ? ChunkFormat.MixedKinds : (byte)kinds[0]) | (isAllGood ? 0 : ChunkFormat.MixedQualities)));
        if (isMixed)
            RunColumn.Write(kinds, static kind => (byte)kind, _writer);
        if (!isAllGood)
            RunColumn.Write(qualities, static quality => (byte)quality, _writer);

        IntegerColumn.Write(columns.Times, _writer);
        WriteValues(columns, TelemetryValueKind.Double, isMixed);
        WriteValues(columns, TelemetryValueKind.Long, isMixed);
        WriteValues(columns, TelemetryValueKind.Bool, isMixed);
        if (kinds.ContainsAny(TelemetryValueKind.Text, TelemetryValueKind.Json))
            _texts.Write(columns, _writer);
        return _writer.Written;
    }

    private static void ThrowIfNotAscending(ReadOnlySpan<long> times)
    {
        for (var i = 1; i < times.Length; i++)
        {
            if (times[i] <= times[i - 1])
                throw new ArgumentException($"The times must ascend; {times[i]} follows {times[i - 1]}.", nameof(times));
        }
    }

    private void WriteValues(SeriesColumns columns, TelemetryValueKind kind, bool isMixed)
    {
        if (!isMixed && columns.Kinds[0] != kind)
            return;
        ReadOnlySpan<long> bits = isMixed ? Gather(columns, kind) : columns.Bits;
        if (bits.IsEmpty)
            return;
        switch (kind)
        {
            case TelemetryValueKind.Double:
                _doubles.Write(bits, _writer);
                break;
            case TelemetryValueKind.Long:
                IntegerColumn.Write(bits, _writer);
                break;
            default:
                BoolColumn.Write(bits, _writer);
                break;
        }
    }

    private Span<long> Gather(SeriesColumns columns, TelemetryValueKind kind)
    {
        if (_gathered.Length < columns.Count)
            _gathered = new long[columns.Count];
        var kinds = columns.Kinds;
        var bits = columns.Bits;
        var count = 0;
        for (var i = 0; i < kinds.Length; i++)
        {
            if (kinds[i] == kind)
                _gathered[count++] = bits[i];
        }

        return _gathered.AsSpan(0, count);
    }
}
