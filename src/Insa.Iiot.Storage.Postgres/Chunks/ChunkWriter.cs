using System.Buffers.Binary;

namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>A growing buffer that a chunk is written into; kept for reuse.</summary>
internal sealed class ChunkWriter
{
    private const int LongestVarint = 10;

    private byte[] _buffer = new byte[1024];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    /// <summary>Takes everything from <paramref name="length"/> on back.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Takes the bytes from <paramref name="start"/> to <paramref name="end"/> out.</summary>
    public void Remove(int start, int end)
    {
        _buffer.AsSpan(end, Length - end).CopyTo(_buffer.AsSpan(start));
        Length -= end - start;
    }

    /// <summary>At least <paramref name="length"/> free bytes, of which <see cref="Advance"/> then takes some.</summary>
    public Span<byte> Reserve(int length)
    {
        var end = checked(Length + length);
        if (end > _buffer.Length)
            Array.Resize(ref _buffer, Math.Max(end, (int)Math.Min(_buffer.Length * 2L, Array.MaxLength)));
        return _buffer.AsSpan(Length);
    }

    public void Advance(int length) => Length += length;

    /// <summary>Sets bits in a byte that is written already.</summary>
    public void SetBits(int index, byte bits) => _buffer[index] |= bits;

    public void WriteByte(byte value)
    {
        Reserve(1)[0] = value;
        Length++;
    }

    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        Length += bytes.Length;
    }

    public void WriteInt64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(Reserve(sizeof(long)), value);
        Length += sizeof(long);
    }

    /// <summary>Seven bits a byte, the lowest first.</summary>
    public void WriteVarint(ulong value)
    {
        var free = Reserve(LongestVarint);
        var length = 0;
        for (; value > 0x7F; value >>= 7)
            free[length++] = (byte)(value | 0x80);
        free[length] = (byte)value;
        Length += length + 1;
    }

    public void WriteSigned(long value) => WriteVarint(ZigZag.Encode(value));
}
