namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>Doubles, in whichever of three ways is shortest.</summary>
/// <remarks>
/// A byte, then the doubles: the number of decimal places (see <see cref="DecimalColumn"/>); <see cref="Xor"/> (see
/// <see cref="XorColumn"/>), which is good at values of full precision that often stay the same; or <see cref="Bits"/>, their bits as
/// integers (see <see cref="IntegerColumn"/>), which is good at those that never do: neighbours of one sign ascend with their bits.
/// </remarks>
internal sealed class DoubleColumn
{
    private const byte Xor = 0x10;
    private const byte Bits = 0x11;

    // Decimals this short are taken at once: the other ways are hardly shorter and cost a pass each.
    private const int ShortBytesPerPoint = 2;

    private readonly DecimalColumn _decimals = new();

    public void Write(ReadOnlySpan<long> bits, ChunkWriter writer)
    {
        var start = writer.Length;
        if (_decimals.TryWrite(bits, writer) && writer.Length - start <= bits.Length * ShortBytesPerPoint)
            return;

        var end = writer.Length;
        writer.WriteByte(Xor);
        XorColumn.Write(bits, writer);
        KeepShorter(start, end, writer);

        end = writer.Length;
        writer.WriteByte(Bits);
        IntegerColumn.Write(bits, writer);
        KeepShorter(start, end, writer);
    }

    /// <summary>Reads as many doubles as <paramref name="bits"/> holds, at least one.</summary>
    public static bool TryRead(ref ChunkReader reader, Span<long> bits)
    {
        if (!reader.TryReadByte(out var way))
            return false;
        return way switch
        {
            Xor => XorColumn.TryRead(ref reader, bits),
            Bits => IntegerColumn.TryRead(ref reader, bits),
            _ => DecimalColumn.TryRead(ref reader, way, bits),
        };
    }

    /// <summary>Keeps what lies between <paramref name="start"/> and <paramref name="middle"/>, if anything does, or what lies behind.</summary>
    private static void KeepShorter(int start, int middle, ChunkWriter writer)
    {
        if (start < middle && middle - start <= writer.Length - middle)
            writer.Truncate(middle);
        else
            writer.Remove(start, middle);
    }
}
