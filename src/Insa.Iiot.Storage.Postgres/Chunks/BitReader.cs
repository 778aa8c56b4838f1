using System.Buffers.Binary;

namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>Reads bits, the lowest first. Past the end there are zeros; <see cref="BytesRead"/> tells.</summary>
internal ref struct BitReader(ReadOnlySpan<byte> source)
{
    private readonly ReadOnlySpan<byte> _source = source;
    private long _bit;

    /// <summary>The bytes that were needed so far, which may be more than there are.</summary>
    public readonly ulong BytesRead => (ulong)(_bit + 7) >> 3;

    /// <summary>The next bits, at least 57 of them.</summary>
    public readonly ulong Peek()
    {
        var start = _bit >> 3;
        var shift = (int)(_bit & 7);
        return start <= _source.Length - sizeof(ulong)
            ? BinaryPrimitives.ReadUInt64LittleEndian(_source[(int)start..]) >> shift
            : PeekAtEnd(start) >> shift;
    }

    public void Skip(int count) => _bit += count;

    /// <summary>Reads 1 to 64 bits.</summary>
    public ulong Read(int count)
    {
        var value = Peek();
        if (count > 57)
        {
            Skip(32);
            value = (value & uint.MaxValue) | (Peek() << 32);
            count -= 32;
            Skip(count);
            return count == 32 ? value : value & ((1UL << (count + 32)) - 1);
        }

        Skip(count);
        return value & ((1UL << count) - 1);
    }

    private readonly ulong PeekAtEnd(long start)
    {
        ulong word = 0;
        for (var i = _source.Length - 1L; i >= start; i--)
            word = (word << 8) | _source[(int)i];
        return word;
    }
}
