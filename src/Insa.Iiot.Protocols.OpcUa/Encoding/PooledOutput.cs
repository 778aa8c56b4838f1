using System.Buffers;
using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.OpcUa.Encoding;

/// <summary>An output into one contiguous buffer of the pool, which grows up to a maximum.</summary>
internal sealed class PooledOutput(int maxBytes = PooledOutput.DefaultMaxBytes) : IMessageOutput, IDisposable
{
    private const int DefaultMaxBytes = 16 << 20;
    private const int SmallestBuffer = 256;

    // Owned by this output until Dispose or Detach.
    private byte[] _buffer = [];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> WrittenSpan => _buffer.AsSpan(0, Length);

    public ReadOnlyMemory<byte> WrittenMemory => _buffer.AsMemory(0, Length);

    public Span<byte> GetSpan(int minimum)
    {
        if (_buffer.Length - Length < minimum && !Grow(minimum))
            return default;
        return _buffer.AsSpan(Length, Math.Min(_buffer.Length, maxBytes) - Length);
    }

    public void Advance(int count) => Length += count;

    /// <summary>Overwrites four bytes that are written already: a length or a count that was not known before.</summary>
    public void Patch(int offset, int value) => BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(offset, sizeof(int)), value);

    /// <summary>Forgets what is written and keeps the buffer.</summary>
    public void Clear() => Length = 0;

    /// <summary>Takes back what was written from here on.</summary>
    public void Truncate(int length) => Length = Math.Min(length, Length);

    /// <summary>Hands the buffer, which came from the shared pool, to the caller; this output is empty then.</summary>
    public byte[] Detach(out int length)
    {
        var buffer = _buffer;
        length = Length;
        _buffer = [];
        Length = 0;
        return buffer;
    }

    public void Dispose()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        Length = 0;
    }

    private bool Grow(int minimum)
    {
        if (maxBytes - Length < minimum)
            return false;
        var size = Math.Clamp(_buffer.Length * 2L, SmallestBuffer, Array.MaxLength);
        var grown = ArrayPool<byte>.Shared.Rent((int)Math.Max(size, Length + minimum));
        WrittenSpan.CopyTo(grown);
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = grown;
        return true;
    }
}
