namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>Doubles that are decimals of few places, as integers: 21.37 as 2137 of two places.</summary>
/// <remarks>
/// A byte with the places, 0 to 6; the integers (see <see cref="IntegerColumn"/>); then the doubles that are no such decimal (-0.0 among
/// them): their number as a varint, and for each the distance of its index to the one before as a varint and its 8 bytes.
/// A double counts as a decimal only if dividing its integer gives back the very same bits.
/// </remarks>
internal sealed class DecimalColumn
{
    private const int MostPlaces = 6;
    private const double GreatestExactInteger = 1L << 53;
    private const int PointsPerException = 16;

    private static ReadOnlySpan<double> Powers => [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

    private long[] _integers = [];
    private int[] _exceptions = [];
    private int _exceptionCount;

    /// <returns><see langword="false"/>, with nothing written, if too many of the doubles are no decimals.</returns>
    public bool TryWrite(ReadOnlySpan<long> bits, ChunkWriter writer)
    {
        var mostExceptions = 1 + (bits.Length / PointsPerException);
        if (_integers.Length < bits.Length)
            _integers = new long[bits.Length];
        if (_exceptions.Length < mostExceptions)
            _exceptions = new int[mostExceptions];

        // More places start over: what was exact with fewer mostly stays so, and is checked again.
        var places = 0;
        for (var more = -1; more != 0; places += more)
        {
            more = Scale(bits, places, mostExceptions);
            if (more < 0)
                return false;
        }

        writer.WriteByte((byte)places);
        IntegerColumn.Write(_integers.AsSpan(0, bits.Length), writer);
        WriteExceptions(bits, writer);
        return true;
    }

    /// <summary>Reads as many doubles as <paramref name="bits"/> holds, at least one.</summary>
    public static bool TryRead(ref ChunkReader reader, int places, Span<long> bits)
    {
        if (places > MostPlaces || !IntegerColumn.TryRead(ref reader, bits))
            return false;
        var power = Powers[places];
        foreach (ref var value in bits)
            value = BitConverter.DoubleToInt64Bits(value / power);
        return TryReadExceptions(ref reader, bits);
    }

    /// <summary>Turns all doubles into integers of so many places.</summary>
    /// <returns>0, or how many more places are needed, or -1 if there are too many exceptions.</returns>
    private int Scale(ReadOnlySpan<long> bits, int places, int mostExceptions)
    {
        _exceptionCount = 0;
        long last = 0;
        for (var i = 0; i < bits.Length; i++)
        {
            if (!TryScale(bits[i], Powers[places], ref last))
            {
                var needed = places + 1;
                while (needed <= MostPlaces && !TryScale(bits[i], Powers[needed], ref last))
                    needed++;
                if (needed <= MostPlaces)
                    return needed - places;
                if (_exceptionCount == mostExceptions)
                    return -1;
                _exceptions[_exceptionCount++] = i;
            }

            _integers[i] = last;
        }

        return 0;
    }

    private static bool TryScale(long bits, double power, ref long integer)
    {
        var scaled = BitConverter.Int64BitsToDouble(bits) * power;
        if (!(Math.Abs(scaled) <= GreatestExactInteger))
            return false;
        var rounded = (long)Math.Round(scaled);
        if (BitConverter.DoubleToInt64Bits(rounded / power) != bits)
            return false;
        integer = rounded;
        return true;
    }

    private void WriteExceptions(ReadOnlySpan<long> bits, ChunkWriter writer)
    {
        writer.WriteVarint((ulong)_exceptionCount);
        var previous = 0;
        foreach (var index in _exceptions.AsSpan(0, _exceptionCount))
        {
            writer.WriteVarint((ulong)(index - previous));
            writer.WriteInt64(bits[index]);
            previous = index;
        }
    }

    private static bool TryReadExceptions(ref ChunkReader reader, Span<long> bits)
    {
        if (!reader.TryReadVarint(out var count))
            return false;
        ulong index = 0;
        for (; count > 0; count--)
        {
            // The distance is checked alone first, so that the sum cannot wrap around.
            if (!reader.TryReadVarint(out var distance) || distance >= (ulong)bits.Length || !reader.TryReadInt64(out var value))
                return false;
            index += distance;
            if (index >= (ulong)bits.Length)
                return false;
            bits[(int)index] = value;
        }

        return true;
    }
}
