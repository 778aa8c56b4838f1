using System.Buffers.Binary;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Packs the minutes of one series' hour into bytes.</summary>
/// <remarks>
/// Entries, by minute and class: a byte (minute × 4 + class), how many points, then for one point its offset and value, for more the offsets of
/// first and last, then sum, sum of squares, minimum, maximum, first and last. Doubles have 8 bytes, little-endian. Counts and offsets are
/// variable-length integers, 7 bits a byte, the low ones first; an offset is the time within the minute: twice the microseconds, or, if it is
/// of whole seconds, twice the seconds plus one.
/// </remarks>
internal static class MinuteCodec
{
    public const long PerMinute = 60_000_000;

    /// <summary>The most bytes of one entry.</summary>
    public const int MostBytesPerEntry = 1 + 10 + 5 + 5 + (6 * sizeof(double));

    private const long PerSecond = 1_000_000;

    /// <summary>Writes one entry.</summary>
    /// <param name="to">At least <see cref="MostBytesPerEntry"/>.</param>
    /// <param name="minuteStart">When the minute starts, in microseconds since 2000.</param>
    /// <param name="minute">The minute of the hour.</param>
    /// <param name="quality">The class.</param>
    /// <param name="stats">What the points come to, at least one.</param>
    /// <returns>How many bytes it took.</returns>
    public static int Write(Span<byte> to, long minuteStart, int minute, int quality, in RollupStats stats)
    {
        to[0] = (byte)((minute << 2) | quality);
        var at = 1;
        WriteNumber(to, ref at, (ulong)stats.Count);
        WriteOffset(to, ref at, stats.FirstTime - minuteStart);
        if (stats.Count == 1)
        {
            WriteDouble(to, ref at, stats.First);
            return at;
        }

        WriteOffset(to, ref at, stats.LastTime - minuteStart);
        WriteDouble(to, ref at, stats.Sum);
        WriteDouble(to, ref at, stats.SumOfSquares);
        WriteDouble(to, ref at, stats.Min);
        WriteDouble(to, ref at, stats.Max);
        WriteDouble(to, ref at, stats.First);
        WriteDouble(to, ref at, stats.Last);
        return at;
    }

    /// <summary>Reads the next entry.</summary>
    /// <param name="from">What is left; on return without the entry.</param>
    /// <param name="hour">When the hour starts, in microseconds since 2000.</param>
    /// <param name="minute">The minute of the hour.</param>
    /// <param name="quality">The class.</param>
    /// <param name="stats">What the points come to.</param>
    /// <returns><see langword="false"/> if the bytes are no entry; nothing is thrown.</returns>
    public static bool TryRead(ref ReadOnlySpan<byte> from, long hour, out int minute, out int quality, out RollupStats stats)
    {
        (minute, quality, stats) = (0, 0, default);
        if (from.IsEmpty)
            return false;
        (minute, quality) = (from[0] >> 2, from[0] & 3);
        var at = 1;
        var start = hour + (minute * PerMinute);
        if (
            minute >= 60
            || quality >= RollupQuality.Classes
            || !TryReadNumber(from, ref at, out var count)
            || count is 0 or > long.MaxValue
            || !TryReadOffset(from, ref at, out var first)
        )
        {
            return false;
        }

        if (count == 1)
        {
            if (!TryReadDouble(from, ref at, out var value))
                return false;
            stats = RollupStats.Of(start + first, value);
        }
        else if (
            !TryReadOffset(from, ref at, out var last)
            || !TryReadDouble(from, ref at, out var sum)
            || !TryReadDouble(from, ref at, out var sumOfSquares)
            || !TryReadDouble(from, ref at, out var min)
            || !TryReadDouble(from, ref at, out var max)
            || !TryReadDouble(from, ref at, out var firstValue)
            || !TryReadDouble(from, ref at, out var lastValue)
        )
        {
            return false;
        }
        else
        {
            stats = new RollupStats
            {
                Count = (long)count,
                Sum = sum,
                SumOfSquares = sumOfSquares,
                Min = min,
                Max = max,
                First = firstValue,
                Last = lastValue,
                FirstTime = start + first,
                LastTime = start + last,
            };
        }

        from = from[at..];
        return true;
    }

    /// <summary>What all minutes of an hour come to, all classes together.</summary>
    /// <returns><see langword="false"/> if the bytes are no minutes.</returns>
    public static bool TryTotal(ReadOnlySpan<byte> minutes, long hour, out RollupStats total)
    {
        total = default;
        while (!minutes.IsEmpty)
        {
            if (!TryRead(ref minutes, hour, out _, out _, out var stats))
                return false;
            total.Merge(stats);
        }

        return true;
    }

    private static void WriteOffset(Span<byte> to, ref int at, long offset) =>
        WriteNumber(to, ref at, (ulong)(offset % PerSecond == 0 ? ((offset / PerSecond) << 1) | 1 : offset << 1));

    private static void WriteNumber(Span<byte> to, ref int at, ulong number)
    {
        for (; number >= 0x80; number >>= 7)
            to[at++] = (byte)(number | 0x80);
        to[at++] = (byte)number;
    }

    private static void WriteDouble(Span<byte> to, ref int at, double value)
    {
        BinaryPrimitives.WriteDoubleLittleEndian(to[at..], value);
        at += sizeof(double);
    }

    private static bool TryReadOffset(ReadOnlySpan<byte> from, ref int at, out long offset)
    {
        offset = 0;
        if (!TryReadNumber(from, ref at, out var number) || number > 2 * PerMinute)
            return false;
        offset = (number & 1) == 0 ? (long)(number >> 1) : (long)(number >> 1) * PerSecond;
        return offset < PerMinute;
    }

    private static bool TryReadNumber(ReadOnlySpan<byte> from, ref int at, out ulong number)
    {
        number = 0;
        for (var shift = 0; shift < 64 && at < from.Length; shift += 7)
        {
            var next = from[at++];
            number |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return true;
        }

        return false;
    }

    private static bool TryReadDouble(ReadOnlySpan<byte> from, ref int at, out double value)
    {
        value = 0;
        if (from.Length - at < sizeof(double))
            return false;
        value = BinaryPrimitives.ReadDoubleLittleEndian(from[at..]);
        at += sizeof(double);
        return true;
    }
}
