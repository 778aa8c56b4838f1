using System.Buffers.Binary;
using System.Numerics;

namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>Up to <see cref="Capacity"/> integers of like size in as few bits as most of them need; the outliers are kept apart.</summary>
/// <remarks>
/// A byte with the width in bits (0 to 64) and, in its top bit, whether there are outliers; the base as a signed varint; every integer
/// less the base in that width, the lowest bit first, up to a whole byte; then the outliers: their number, and for each its index in the
/// block and its distance to the base as a signed varint.
/// </remarks>
internal static class IntegerBlock
{
    public const int Capacity = 128;

    private const byte HasOutliers = 0x80;
    private const int WidestInOneRead = 57;
    private const int Slack = sizeof(ulong) + 1;

    public static void Write(ReadOnlySpan<long> values, ChunkWriter writer)
    {
        var (lowest, width) = ChooseRange(values);
        var largest = MaskOf(width);
        Span<byte> outliers = stackalloc byte[Capacity];
        var outlierCount = 0;
        var target = writer.Reserve(1 + 10 + (Capacity * sizeof(ulong)));
        var head = writer.Length;
        writer.WriteByte((byte)width);
        writer.WriteSigned(lowest);

        target = target[(writer.Length - head)..];
        var position = 0;
        ulong word = 0;
        var used = 0;
        for (var i = 0; i < values.Length; i++)
        {
            var offset = (ulong)(values[i] - lowest);
            if (offset > largest)
            {
                outliers[outlierCount++] = (byte)i;
                offset = 0;
            }

            word |= offset << used;
            used += width;
            if (used >= 64)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(target[position..], word);
                position += sizeof(ulong);
                used -= 64;
                word = used == 0 ? 0 : offset >> (width - used);
            }
        }

        for (; used > 0; used -= 8, word >>= 8)
            target[position++] = (byte)word;
        writer.Advance(position);
        if (outlierCount > 0)
            WriteOutliers(values, lowest, outliers[..outlierCount], head, writer);
    }

    /// <summary>Reads as many integers as <paramref name="values"/> holds.</summary>
    public static bool TryRead(ref ChunkReader reader, Span<long> values)
    {
        if (!reader.TryReadByte(out var head) || !reader.TryReadSigned(out var lowest))
            return false;
        var width = head & ~HasOutliers;
        if (width > 64)
            return false;
        if (width == 0)
            values.Fill(lowest);
        else if (!TryUnpack(ref reader, values, lowest, width))
            return false;
        return (head & HasOutliers) == 0 || TryReadOutliers(ref reader, values, lowest);
    }

    private static ulong MaskOf(int width) => width == 64 ? ulong.MaxValue : (1UL << width) - 1;

    private static int BitLength(ulong value) => 64 - BitOperations.LeadingZeroCount(value);

    /// <summary>The base and the width that hold all integers near a typical one; farther ones are cheaper apart.</summary>
    private static (long Lowest, int Width) ChooseRange(ReadOnlySpan<long> values)
    {
        if (!values.ContainsAnyExcept(values[0]))
            return (values[0], 0);
        var typical = TypicalOf(values);
        Span<byte> lengths = stackalloc byte[Capacity];
        Span<int> counts = stackalloc int[65];
        counts.Clear();
        for (var i = 0; i < values.Length; i++)
        {
            var length = BitLength(ZigZag.Encode(values[i] - typical));
            lengths[i] = (byte)length;
            counts[length]++;
        }

        var widest = CheapestWidth(counts, values.Length);
        long smallest = 0;
        long greatest = 0;
        for (var i = 0; i < values.Length; i++)
        {
            if (lengths[i] > widest)
                continue;
            var offset = values[i] - typical;
            smallest = Math.Min(smallest, offset);
            greatest = Math.Max(greatest, offset);
        }

        return (typical + smallest, BitLength((ulong)(greatest - smallest)));
    }

    /// <summary>One of the integers with about as many above it as below.</summary>
    private static long TypicalOf(ReadOnlySpan<long> values)
    {
        const int Samples = 9;
        Span<long> sorted = stackalloc long[Samples];
        for (var i = 0; i < Samples; i++)
        {
            var sample = values[i * (values.Length - 1) / (Samples - 1)];
            var at = i;
            for (; at > 0 && sorted[at - 1] > sample; at--)
                sorted[at] = sorted[at - 1];
            sorted[at] = sample;
        }

        return sorted[Samples / 2];
    }

    private static int CheapestWidth(ReadOnlySpan<int> counts, int total)
    {
        var width = 64;
        while (counts[width] == 0 && width > 0)
            width--;
        var outlierBits = 8 + (8 * ((width + 6) / 7));
        var cheapest = width;
        var cost = total * width;
        var outliers = 0;
        for (; width > 0; width--)
        {
            outliers += counts[width];
            var costBelow = (total * (width - 1)) + (outliers * outlierBits) + 8;
            if (costBelow < cost)
                (cheapest, cost) = (width - 1, costBelow);
        }

        return cheapest;
    }

    private static void WriteOutliers(ReadOnlySpan<long> values, long lowest, ReadOnlySpan<byte> indices, int head, ChunkWriter writer)
    {
        writer.SetBits(head, HasOutliers);
        writer.WriteByte((byte)indices.Length);
        foreach (var index in indices)
        {
            writer.WriteByte(index);
            writer.WriteSigned(values[index] - lowest);
        }
    }

    private static bool TryUnpack(ref ChunkReader reader, Span<long> values, long lowest, int width)
    {
        scoped var rest = reader.Rest;
        var length = ((values.Length * width) + 7) / 8;
        if (!reader.TryReadBytes((ulong)length, out var packed))
            return false;

        // Words are read whole, hence the last ones of a chunk from a copy with room behind it.
        Span<byte> padded = stackalloc byte[(Capacity * sizeof(ulong)) + Slack];
        if (rest.Length < length + Slack)
        {
            packed.CopyTo(padded);
            padded[length..].Clear();
            rest = padded;
        }

        if (width <= WidestInOneRead)
            UnpackNarrow(rest, values, lowest, width);
        else
            UnpackWide(rest, values, lowest, width);
        return true;
    }

    private static void UnpackNarrow(ReadOnlySpan<byte> packed, Span<long> values, long lowest, int width)
    {
        var mask = MaskOf(width);
        var bit = 0;
        foreach (ref var value in values)
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(packed[(bit >> 3)..]);
            value = lowest + (long)((word >> (bit & 7)) & mask);
            bit += width;
        }
    }

    private static void UnpackWide(ReadOnlySpan<byte> packed, Span<long> values, long lowest, int width)
    {
        var mask = MaskOf(width);
        var bit = 0;
        foreach (ref var value in values)
        {
            var start = bit >> 3;
            var shift = bit & 7;
            var word = BinaryPrimitives.ReadUInt64LittleEndian(packed[start..]) >> shift;
            if (shift > 0)
                word |= (ulong)packed[start + sizeof(ulong)] << (64 - shift);
            value = lowest + (long)(word & mask);
            bit += width;
        }
    }

    private static bool TryReadOutliers(ref ChunkReader reader, Span<long> values, long lowest)
    {
        if (!reader.TryReadByte(out var count))
            return false;
        for (; count > 0; count--)
        {
            if (!reader.TryReadByte(out var index) || index >= values.Length || !reader.TryReadSigned(out var offset))
                return false;
            values[index] = lowest + offset;
        }

        return true;
    }
}
