using System.Buffers.Binary;

namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>Reads a chunk from its start to its end; every read says whether the bytes were there.</summary>
internal ref struct ChunkReader(ReadOnlySpan<byte> chunk)
{
    /// <summary>What is not read yet.</summary>
    public ReadOnlySpan<byte> Rest { get; private set; } = chunk;

    public bool TryReadByte(out byte value)
    {
        value = 0;
        if (Rest.IsEmpty)
            return false;
        value = Rest[0];
        Rest = Rest[1..];
        return true;
    }

    public bool TryReadBytes(ulong length, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (length > (ulong)Rest.Length)
            return false;
        bytes = Rest[..(int)length];
        Rest = Rest[(int)length..];
        return true;
    }

    public bool TryReadInt64(out long value)
    {
        if (!BinaryPrimitives.TryReadInt64LittleEndian(Rest, out value))
            return false;
        Rest = Rest[sizeof(long)..];
        return true;
    }

    public bool TryReadVarint(out ulong value)
    {
        value = 0;
        for (int i = 0, shift = 0; i < Rest.Length && shift < 64; i++, shift += 7)
        {
            var part = Rest[i];
            if (shift == 63 && part > 1)
                return false;
            value |= (ulong)(part & 0x7F) << shift;
            if (part <= 0x7F)
            {
                Rest = Rest[(i + 1)..];
                return true;
            }
        }

        return false;
    }

    public bool TryReadSigned(out long value)
    {
        var isRead = TryReadVarint(out var zigzag);
        value = ZigZag.Decode(zigzag);
        return isRead;
    }
}
