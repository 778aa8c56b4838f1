namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>The points of one series in columns: what a chunk is made from and read into. Buffers grow and are kept for reuse.</summary>
internal sealed class SeriesColumns
{
    private const int SmallestCapacity = 64;

    private long[] _times = [];
    private long[] _bits = [];
    private TelemetryValueKind[] _kinds = [];
    private TelemetryQuality[] _qualities = [];
    private byte[] _text = [];
    private int _textLength;

    /// <summary>How many points there are.</summary>
    public int Count { get; private set; }

    /// <summary>Microseconds since the Unix epoch. A chunk takes them strictly ascending only.</summary>
    public Span<long> Times => _times.AsSpan(0, Count);

    /// <summary>
    /// IEEE 754 for a double, the integer, 1 or 0 for a boolean; for text and JSON where their bytes are (see <see cref="GetUtf8"/>): the
    /// offset in the upper half, the length in the lower.
    /// </summary>
    public Span<long> Bits => _bits.AsSpan(0, Count);

    public Span<TelemetryValueKind> Kinds => _kinds.AsSpan(0, Count);

    public Span<TelemetryQuality> Qualities => _qualities.AsSpan(0, Count);

    public static bool IsText(TelemetryValueKind kind) => kind is TelemetryValueKind.Text or TelemetryValueKind.Json;

    /// <summary>How many bytes the texts have together.</summary>
    public int TextBytes => _textLength;

    /// <summary>The UTF-8 bytes of a text or JSON point.</summary>
    public ReadOnlySpan<byte> GetUtf8(int index) =>
        IsText(Kinds[index])
            ? _text.AsSpan((int)(_bits[index] >> 32), (int)_bits[index])
            : throw new InvalidOperationException("The point is not text.");

    /// <summary>Adds a number or a boolean.</summary>
    public void Append(long time, TelemetryValueKind kind, long bits, TelemetryQuality quality)
    {
        if (kind > TelemetryValueKind.Bool)
            throw new ArgumentException($"{kind} is not a number or a boolean.", nameof(kind));
        if (kind == TelemetryValueKind.Bool && bits != 0)
            bits = 1;
        AppendPoint(time, kind, bits, quality);
    }

    /// <summary>Adds a good double, which nearly all points are.</summary>
    public void AppendDouble(long time, long bits) => AppendPoint(time, TelemetryValueKind.Double, bits, TelemetryQuality.Good);

    /// <summary>Adds a text or JSON point, whose bytes are copied.</summary>
    public void AppendText(long time, TelemetryValueKind kind, ReadOnlySpan<byte> utf8, TelemetryQuality quality)
    {
        if (!IsText(kind))
            throw new ArgumentException($"{kind} is not text.", nameof(kind));
        var offset = _textLength;
        utf8.CopyTo(ExtendText(utf8.Length));
        AppendPoint(time, kind, TextBits(offset, utf8.Length), quality);
    }

    public void Clear()
    {
        Count = 0;
        _textLength = 0;
    }

    /// <summary>Makes room for as many points in all.</summary>
    public void EnsureCapacity(int capacity)
    {
        if (capacity > _times.Length)
            Grow(capacity);
    }

    /// <summary>Makes room for exactly <paramref name="count"/> points, whose columns the caller then fills.</summary>
    public void Reset(int count)
    {
        Clear();
        if (count > _times.Length)
            Grow(count);
        Count = count;
    }

    /// <summary>Takes <paramref name="length"/> more bytes of text, which the caller then fills.</summary>
    public Span<byte> ExtendText(int length)
    {
        var end = checked(_textLength + length);
        if (end > _text.Length)
            Array.Resize(ref _text, Math.Max(end, (int)Math.Min(_text.Length * 2L, Array.MaxLength)));
        var added = _text.AsSpan(_textLength, length);
        _textLength = end;
        return added;
    }

    /// <summary>What <see cref="Bits"/> holds for a text.</summary>
    public static long TextBits(int offset, int length) => ((long)offset << 32) | (uint)length;

    private void AppendPoint(long time, TelemetryValueKind kind, long bits, TelemetryQuality quality)
    {
        var index = Count;
        if (index == _times.Length)
            Grow(Math.Max(SmallestCapacity, index * 2));
        _times[index] = time;
        _bits[index] = bits;
        _kinds[index] = kind;
        _qualities[index] = quality;
        Count = index + 1;
    }

    private void Grow(int capacity)
    {
        Array.Resize(ref _times, capacity);
        Array.Resize(ref _bits, capacity);
        Array.Resize(ref _kinds, capacity);
        Array.Resize(ref _qualities, capacity);
    }
}
