namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>Reads the times that payloads carry, as UTC ticks of 100 ns.</summary>
internal static class Timestamps
{
    private static readonly long s_epoch = DateTime.UnixEpoch.Ticks;

    /// <summary>Seconds or milliseconds since 1970. What no <see cref="DateTime"/> holds becomes 0, which is always out of range.</summary>
    public static long FromUnix(double count, double microsecondsEach)
    {
        var microseconds = Math.Round(count * microsecondsEach);
        return Math.Abs(microseconds) < 1e18 / 4 ? s_epoch + ((long)microseconds * TimeSpan.TicksPerMicrosecond) : 0;
    }

    /// <summary>Seconds from now; 0, which is always out of range, if they are too many.</summary>
    public static long Relative(long nowTicks, double seconds)
    {
        var microseconds = Math.Round(seconds * 1_000_000);
        return Math.Abs(microseconds) < 1e18 / 4 ? nowTicks + ((long)microseconds * TimeSpan.TicksPerMicrosecond) : 0;
    }

    /// <summary>Reads RFC 3339 text with any offset and up to nine digits of a fraction. A leap second counts as the last microsecond before it.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out long ticks)
    {
        ticks = 0;
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':')
            return false;
        if ((text[10] | 0x20) != 't' && text[10] != ' ')
            return false;
        if (
            !TryTwo(text, 0, out var century)
            || !TryTwo(text, 2, out var year)
            || !TryTwo(text, 5, out var month)
            || !TryTwo(text, 8, out var day)
        )
            return false;
        if (!TryTwo(text, 11, out var hour) || !TryTwo(text, 14, out var minute) || !TryTwo(text, 17, out var second))
            return false;
        year += century * 100;
        if (
            year == 0
            || month is 0 or > 12
            || day == 0
            || day > DateTime.DaysInMonth(year, month)
            || hour > 23
            || minute > 59
            || second > 60
        )
            return false;

        var i = 19;
        long fraction = 0;
        if (text[i] == '.')
        {
            var unit = TimeSpan.TicksPerSecond;
            var start = ++i;
            for (; i < text.Length && char.IsAsciiDigit((char)text[i]); i++)
                fraction += (text[i] - '0') * (unit /= 10);
            if (i == start || i - start > 9)
                return false;
        }

        if (!TryReadOffset(text[i..], out var offset))
            return false;
        if (second == 60)
            (second, fraction) = (59, TimeSpan.TicksPerSecond - TimeSpan.TicksPerMicrosecond);
        ticks =
            new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc).Ticks + fraction - (offset * TimeSpan.TicksPerMinute);
        return true;
    }

    private static bool TryReadOffset(ReadOnlySpan<byte> text, out int minutes)
    {
        minutes = 0;
        if (text.Length == 1)
            return (text[0] | 0x20) == 'z';
        if (text.Length != 6 || text[3] != ':' || text[0] is not ((byte)'+' or (byte)'-'))
            return false;
        if (!TryTwo(text, 1, out var hours) || !TryTwo(text, 4, out minutes) || hours > 23 || minutes > 59)
            return false;
        minutes += hours * 60;
        if (text[0] == '-')
            minutes = -minutes;
        return true;
    }

    private static bool TryTwo(ReadOnlySpan<byte> text, int at, out int value)
    {
        var high = text[at] - '0';
        var low = text[at + 1] - '0';
        value = (high * 10) + low;
        return (uint)high <= 9 && (uint)low <= 9;
    }
}
