namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>Reads chunks back (see <see cref="ChunkFormat"/>). Reused for one chunk after the other; not thread-safe.</summary>
internal sealed class ChunkDecoder
{
    // A block of times takes two bytes at least, so no count can be larger than this times the bytes that follow it.
    private const int MostPointsPerByte = IntegerBlock.Capacity / 2;

    private readonly TextColumn _texts = new();
    private long[] _gathered = [];

    /// <summary>Reads a chunk into <paramref name="columns"/>, whose points are replaced.</summary>
    /// <param name="chunk">The bytes, of which nothing is taken for granted.</param>
    /// <param name="maxPoints">The most points it may have.</param>
    /// <param name="maxTextBytes">The most bytes all its texts may have together.</param>
    /// <param name="columns">Empty after a failure.</param>
    /// <returns><see langword="false"/> if this is no chunk, or one beyond the limits; nothing is thrown for any bytes.</returns>
    public bool TryDecode(ReadOnlySpan<byte> chunk, int maxPoints, int maxTextBytes, SeriesColumns columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxPoints);
        ArgumentOutOfRangeException.ThrowIfNegative(maxTextBytes);
        columns.Clear();
        var reader = new ChunkReader(chunk);
        if (TryReadAll(ref reader, maxPoints, maxTextBytes, columns) && reader.Rest.IsEmpty)
            return true;
        columns.Clear();
        return false;
    }

    private bool TryReadAll(ref ChunkReader reader, int maxPoints, int maxTextBytes, SeriesColumns columns)
    {
        if (!reader.TryReadByte(out var version) || version != ChunkFormat.Version)
            return false;
        if (!reader.TryReadVarint(out var count) || count > (ulong)maxPoints)
            return false;
        if (count == 0)
            return true;
        if (count - 1 > (ulong)reader.Rest.Length * MostPointsPerByte)
            return false;

        columns.Reset((int)count);
        return TryReadShape(ref reader, columns, out var isMixed)
            && IntegerColumn.TryRead(ref reader, columns.Times)
            && IsAscending(columns.Times)
            && TryReadValues(ref reader, columns, TelemetryValueKind.Double, isMixed)
            && TryReadValues(ref reader, columns, TelemetryValueKind.Long, isMixed)
            && TryReadValues(ref reader, columns, TelemetryValueKind.Bool, isMixed)
            && TryReadTexts(ref reader, columns, isMixed, maxTextBytes);
    }

    private static bool TryReadShape(ref ChunkReader reader, SeriesColumns columns, out bool isMixed)
    {
        isMixed = false;
        if (!reader.TryReadByte(out var shape))
            return false;
        var kind = shape & ~ChunkFormat.MixedQualities;
        isMixed = kind == ChunkFormat.MixedKinds;
        if (isMixed)
        {
            if (!RunColumn.TryRead(ref reader, columns.Kinds, (byte)TelemetryValueKind.Json, static value => (TelemetryValueKind)value))
                return false;
        }
        else if (kind > (int)TelemetryValueKind.Json)
        {
            return false;
        }
        else
        {
            columns.Kinds.Fill((TelemetryValueKind)kind);
        }

        if ((shape & ChunkFormat.MixedQualities) != 0)
            return RunColumn.TryRead(ref reader, columns.Qualities, byte.MaxValue, static value => (TelemetryQuality)value);
        columns.Qualities.Clear();
        return true;
    }

    private static bool IsAscending(ReadOnlySpan<long> times)
    {
        for (var i = 1; i < times.Length; i++)
        {
            if (times[i] <= times[i - 1])
                return false;
        }

        return true;
    }

    private bool TryReadValues(ref ChunkReader reader, SeriesColumns columns, TelemetryValueKind kind, bool isMixed)
    {
        if (!isMixed)
            return columns.Kinds[0] != kind || TryReadValues(ref reader, kind, columns.Bits);

        var count = CountOf(columns.Kinds, kind);
        if (count == 0)
            return true;
        if (_gathered.Length < count)
            _gathered = new long[count];
        var gathered = _gathered.AsSpan(0, count);
        if (!TryReadValues(ref reader, kind, gathered))
            return false;
        Scatter(gathered, columns, kind);
        return true;
    }

    private static bool TryReadValues(ref ChunkReader reader, TelemetryValueKind kind, Span<long> bits) =>
        kind switch
        {
            TelemetryValueKind.Double => DoubleColumn.TryRead(ref reader, bits),
            TelemetryValueKind.Long => IntegerColumn.TryRead(ref reader, bits),
            _ => BoolColumn.TryRead(ref reader, bits),
        };

    private bool TryReadTexts(ref ChunkReader reader, SeriesColumns columns, bool isMixed, int maxTextBytes)
    {
        if (!isMixed && !SeriesColumns.IsText(columns.Kinds[0]))
            return true;
        var count = CountOf(columns.Kinds, TelemetryValueKind.Text) + CountOf(columns.Kinds, TelemetryValueKind.Json);
        return count == 0 || _texts.TryRead(ref reader, columns, count, maxTextBytes);
    }

    private static int CountOf(ReadOnlySpan<TelemetryValueKind> kinds, TelemetryValueKind kind)
    {
        var count = 0;
        foreach (var other in kinds)
            count += other == kind ? 1 : 0;
        return count;
    }

    private static void Scatter(ReadOnlySpan<long> gathered, SeriesColumns columns, TelemetryValueKind kind)
    {
        var kinds = columns.Kinds;
        var bits = columns.Bits;
        var next = 0;
        for (var i = 0; i < kinds.Length; i++)
        {
            if (kinds[i] == kind)
                bits[i] = gathered[next++];
        }
    }
}
