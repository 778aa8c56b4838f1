namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>Booleans: how long each state lasted, or a bit each if they change often.</summary>
/// <remarks>
/// A byte: <see cref="Bitmap"/>, then a bit each, the lowest first; or the first state, 0 or 1, then the lengths of the runs as varints.
/// </remarks>
internal static class BoolColumn
{
    private const byte Bitmap = 2;

    public static void Write(ReadOnlySpan<long> bits, ChunkWriter writer)
    {
        var start = writer.Length;
        var mostBytes = BitmapLength(bits.Length);
        writer.WriteByte((byte)bits[0]);
        for (var rest = bits; !rest.IsEmpty; )
        {
            var run = RunLength(rest);
            writer.WriteVarint((ulong)run);
            rest = rest[run..];
            if (writer.Length - start - 1 > mostBytes)
            {
                writer.Truncate(start);
                WriteBitmap(bits, writer);
                return;
            }
        }
    }

    /// <summary>Reads as many booleans as <paramref name="bits"/> holds, at least one.</summary>
    public static bool TryRead(ref ChunkReader reader, Span<long> bits)
    {
        if (!reader.TryReadByte(out var way) || way > Bitmap)
            return false;
        return way == Bitmap ? TryReadBitmap(ref reader, bits) : TryReadRuns(ref reader, way, bits);
    }

    private static int BitmapLength(int count) => (int)((count + 7L) / 8);

    private static int RunLength(ReadOnlySpan<long> bits)
    {
        var end = bits.IndexOfAnyExcept(bits[0]);
        return end < 0 ? bits.Length : end;
    }

    private static void WriteBitmap(ReadOnlySpan<long> bits, ChunkWriter writer)
    {
        writer.WriteByte(Bitmap);
        var length = BitmapLength(bits.Length);
        var target = writer.Reserve(length)[..length];
        target.Clear();
        for (var i = 0; i < bits.Length; i++)
            target[i >> 3] |= (byte)(bits[i] << (i & 7));
        writer.Advance(length);
    }

    private static bool TryReadBitmap(ref ChunkReader reader, Span<long> bits)
    {
        if (!reader.TryReadBytes((ulong)BitmapLength(bits.Length), out var bitmap))
            return false;
        for (var i = 0; i < bits.Length; i++)
            bits[i] = (bitmap[i >> 3] >> (i & 7)) & 1;
        return true;
    }

    private static bool TryReadRuns(ref ChunkReader reader, long state, Span<long> bits)
    {
        while (!bits.IsEmpty)
        {
            if (!reader.TryReadVarint(out var run) || run == 0 || run > (ulong)bits.Length)
                return false;
            bits[..(int)run].Fill(state);
            bits = bits[(int)run..];
            state ^= 1;
        }

        return true;
    }
}
