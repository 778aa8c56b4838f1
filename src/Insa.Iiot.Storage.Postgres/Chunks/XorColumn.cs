using System.Numerics;

namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>Doubles of full precision: of each only the bits that differ from the one before (Pelkonen et al., Gorilla, VLDB 2015, §4.1.2).</summary>
/// <remarks>
/// The first in 64 bits. Then per double: 0 if it is the same; 1, 0 and the bits of the window before if they hold the difference; 1, 1,
/// the leading zeros in 5 bits, the bits of the new window less one in 6, and those bits. Lowest bit first, up to a whole byte.
/// Unlike the paper, a window much wider than the difference is given up, else one odd value would make all that follow long.
/// </remarks>
internal static class XorColumn
{
    private const int MostBytesPerValue = 10;
    private const int LeadingBits = 5;
    private const int LengthBits = 6;
    private const int MostLeading = (1 << LeadingBits) - 1;
    private const int NewWindowBits = LeadingBits + LengthBits;

    public static void Write(ReadOnlySpan<long> bits, ChunkWriter writer)
    {
        var stream = new BitWriter(writer.Reserve((bits.Length * MostBytesPerValue) + sizeof(ulong)));
        var previous = (ulong)bits[0];
        stream.Write(previous, 64);
        var length = 64;
        var trailing = 0;
        foreach (var value in bits[1..])
        {
            var difference = (ulong)value ^ previous;
            previous = (ulong)value;
            if (difference == 0)
            {
                stream.Write(0, 1);
                continue;
            }

            var leading = Math.Min(BitOperations.LeadingZeroCount(difference), MostLeading);
            var trailingNow = BitOperations.TrailingZeroCount(difference);
            var lengthNow = 64 - leading - trailingNow;
            var isInWindow = trailingNow >= trailing && leading >= 64 - length - trailing;
            if (isInWindow && length - lengthNow <= NewWindowBits)
            {
                stream.Write(0b01, 2);
            }
            else
            {
                (length, trailing) = (lengthNow, trailingNow);
                stream.Write(0b11 | ((ulong)leading << 2) | ((ulong)(length - 1) << (2 + LeadingBits)), 2 + NewWindowBits);
            }

            stream.Write(difference >> trailing, length);
        }

        writer.Advance(stream.Finish());
    }

    /// <summary>Reads as many doubles as <paramref name="bits"/> holds, at least one.</summary>
    public static bool TryRead(ref ChunkReader reader, Span<long> bits)
    {
        var stream = new BitReader(reader.Rest);
        var value = stream.Read(64);
        bits[0] = (long)value;
        var length = 64;
        var trailing = 0;
        for (var i = 1; i < bits.Length; i++)
        {
            var head = stream.Peek();
            if ((head & 0b01) == 0)
            {
                stream.Skip(1);
            }
            else
            {
                if ((head & 0b10) == 0)
                {
                    stream.Skip(2);
                }
                else
                {
                    length = 1 + ((int)(head >> (2 + LeadingBits)) & ((1 << LengthBits) - 1));
                    trailing = 64 - length - ((int)(head >> 2) & MostLeading);
                    if (trailing < 0)
                        return false;
                    stream.Skip(2 + NewWindowBits);
                }

                value ^= stream.Read(length) << trailing;
            }

            bits[i] = (long)value;
        }

        return reader.TryReadBytes(stream.BytesRead, out _);
    }
}
