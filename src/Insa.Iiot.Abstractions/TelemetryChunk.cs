using System.Buffers;

namespace Insa.Iiot;

/// <summary>A run of frames of one tenant in columns over pooled buffers: the unit that is filled, committed and given back as one.</summary>
/// <remarks>Written by one <see cref="TelemetryFrameWriter"/>, then read-only until it is given back. Not thread-safe.</remarks>
public sealed class TelemetryChunk : IDisposable
{
    private readonly DeviceId[] _devices;
    private readonly TelemetryLayout[] _layouts;
    private readonly long[] _timestamps;
    private readonly int[] _firstValues;
    private long[] _bits;
    private TelemetryValueKind[] _kinds;
    private TelemetryQuality[] _qualities;
    private byte[] _text;
    private IngestReason[]? _rejected;
    private int _textLength;
    private int _valueCount;
    private bool _disposed;

    /// <summary>Makes an empty chunk.</summary>
    /// <param name="frameCapacity">The most frames it holds; values and text grow as needed.</param>
    public TelemetryChunk(int frameCapacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(frameCapacity);
        FrameCapacity = frameCapacity;
        _devices = new DeviceId[frameCapacity];
        _layouts = new TelemetryLayout[frameCapacity];
        _timestamps = new long[frameCapacity];
        _firstValues = new int[frameCapacity];
        _bits = ArrayPool<long>.Shared.Rent(frameCapacity);
        _kinds = ArrayPool<TelemetryValueKind>.Shared.Rent(frameCapacity);
        _qualities = ArrayPool<TelemetryQuality>.Shared.Rent(frameCapacity);
        _text = [];
    }

    /// <summary>The tenant whose frames these are.</summary>
    public TenantId Tenant { get; private set; }

    /// <summary>The most frames it holds.</summary>
    public int FrameCapacity { get; }

    /// <summary>How many frames it holds.</summary>
    public int FrameCount { get; private set; }

    /// <summary>How many values all frames have together.</summary>
    public int ValueCount => _valueCount;

    /// <summary>How much the values take in memory, in bytes; what a bound on memory counts.</summary>
    public long SizeBytes => ((long)_valueCount * (sizeof(long) + 2)) + _textLength + ((long)FrameCount * 32);

    /// <summary>
    /// When its first message arrived, in UTC ticks of 100 ns, a whole number of microseconds. Frame <c>i</c> counts as arrived <c>i</c>
    /// microseconds later: so arrivals strictly ascend over all frames that one host takes for a tenant, whatever order they are written in.
    /// </summary>
    public long ArrivalTicks { get; internal set; }

    /// <summary>Whether the store has refused any frame.</summary>
    public bool HasRejections => _rejected is not null;

    /// <summary>One frame.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such frame.</exception>
    public TelemetryFrame this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)FrameCount, nameof(index));
            return new TelemetryFrame(this, index);
        }
    }

    /// <summary>Marks a frame as one the store refuses for good. Called by a sink during its write.</summary>
    public void Reject(int index, IngestReason reason)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)FrameCount, nameof(index));
        _rejected ??= new IngestReason[FrameCount];
        _rejected[index] = reason;
    }

    /// <summary>Why the store refused a frame; <see cref="IngestReason.None"/> if it did not.</summary>
    public IngestReason RejectionOf(int index) => _rejected is null ? IngestReason.None : _rejected[index];

    /// <summary>What the writers of this chunk's messages are told.</summary>
    /// <param name="isRefusedKept">Whether the refused frames are durable as dead letters.</param>
    public CommitResult ToCommitResult(bool isRefusedKept) =>
        _rejected is null ? CommitResult.Committed : CommitResult.Partial(_rejected, isRefusedKept);

    /// <summary>Forgets all frames and takes the chunk for <paramref name="tenant"/>. Buffers are kept for reuse up to 64 Ki values and 1 MiB of text.</summary>
    public void Reset(TenantId tenant)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Tenant = tenant;
        Array.Clear(_devices, 0, FrameCount);
        Array.Clear(_layouts, 0, FrameCount);
        FrameCount = 0;
        _valueCount = 0;
        _textLength = 0;
        _rejected = null;
        ArrivalTicks = 0;
        if (_text.Length > 1024 * 1024)
        {
            ArrayPool<byte>.Shared.Return(_text);
            _text = [];
        }

        if (_bits.Length > 64 * 1024)
            ResizeValues(FrameCapacity);
    }

    /// <summary>Gives the pooled buffers back.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        FrameCount = 0;
        _valueCount = 0;
        ArrayPool<long>.Shared.Return(_bits);
        ArrayPool<TelemetryValueKind>.Shared.Return(_kinds);
        ArrayPool<TelemetryQuality>.Shared.Return(_qualities);
        if (_text.Length > 0)
            ArrayPool<byte>.Shared.Return(_text);
    }

    internal DeviceId DeviceOf(int frame) => _devices[frame];

    internal TelemetryLayout LayoutOf(int frame) => _layouts[frame];

    internal long TimestampOf(int frame) => _timestamps[frame];

    internal TelemetryValueKind KindOf(int frame, int value) => _kinds[_firstValues[frame] + value];

    internal TelemetryQuality QualityOf(int frame, int value) => _qualities[_firstValues[frame] + value];

    internal long BitsOf(int frame, int value) => _bits[_firstValues[frame] + value];

    internal ReadOnlySpan<long> BitsOf(int frame) => _bits.AsSpan(_firstValues[frame], _layouts[frame].Count);

    internal ReadOnlySpan<TelemetryValueKind> KindsOf(int frame) => _kinds.AsSpan(_firstValues[frame], _layouts[frame].Count);

    internal ReadOnlySpan<TelemetryQuality> QualitiesOf(int frame) => _qualities.AsSpan(_firstValues[frame], _layouts[frame].Count);

    internal ReadOnlySpan<byte> TextOf(int frame, int value)
    {
        var bits = BitsOf(frame, value);
        return _text.AsSpan((int)(bits >> 32), (int)bits);
    }

    internal void AppendValue(TelemetryValueKind kind, long bits, TelemetryQuality quality)
    {
        if (_valueCount == _bits.Length || _valueCount == _kinds.Length || _valueCount == _qualities.Length)
            ResizeValues(_valueCount * 2);
        _bits[_valueCount] = bits;
        _kinds[_valueCount] = kind;
        _qualities[_valueCount] = quality;
        _valueCount++;
    }

    internal void AppendText(TelemetryValueKind kind, ReadOnlySpan<byte> utf8, TelemetryQuality quality)
    {
        EnsureText(utf8.Length);
        utf8.CopyTo(_text.AsSpan(_textLength));
        AppendValue(kind, ((long)_textLength << 32) | (uint)utf8.Length, quality);
        _textLength += utf8.Length;
    }

    internal void AppendFrame(DeviceId device, TelemetryLayout layout, long timestamp)
    {
        _devices[FrameCount] = device;
        _layouts[FrameCount] = layout;
        _timestamps[FrameCount] = timestamp;
        _firstValues[FrameCount] = _valueCount - layout.Count;
        FrameCount++;
    }

    internal (int Frames, int Values, int Text) Mark() => (FrameCount, _valueCount, _textLength);

    internal void Rollback((int Frames, int Values, int Text) mark) => (FrameCount, _valueCount, _textLength) = mark;

    private void EnsureText(int more)
    {
        if (_text.Length - _textLength >= more)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_textLength + more, Math.Max(1024, _text.Length * 2)));
        _text.AsSpan(0, _textLength).CopyTo(larger);
        if (_text.Length > 0)
            ArrayPool<byte>.Shared.Return(_text);
        _text = larger;
    }

    private void ResizeValues(int capacity)
    {
        _bits = Resize(_bits, _valueCount, capacity);
        _kinds = Resize(_kinds, _valueCount, capacity);
        _qualities = Resize(_qualities, _valueCount, capacity);
    }

    private static T[] Resize<T>(T[] array, int used, int capacity)
    {
        var resized = ArrayPool<T>.Shared.Rent(capacity);
        array.AsSpan(0, used).CopyTo(resized);
        ArrayPool<T>.Shared.Return(array);
        return resized;
    }
}
