using System.Buffers;
using System.Globalization;

namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>Reads JSON (RFC 8259) in place, value by value, and throws nothing.</summary>
internal ref struct JsonCursor(ReadOnlySpan<byte> json)
{
    private static readonly SearchValues<byte> s_stringStops = SearchValues.Create([
        (byte)'"',
        (byte)'\\',
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        10,
        11,
        12,
        13,
        14,
        15,
        16,
        17,
        18,
        19,
        20,
        21,
        22,
        23,
        24,
        25,
        26,
        27,
        28,
        29,
        30,
        31,
    ]);

    private readonly ReadOnlySpan<byte> _json = json;
    private DecoderScratch _scratch = new(json.Length);

    public int Position { get; set; }

    public readonly ReadOnlySpan<byte> Since(int start) => _json[start..Position];

    public void Dispose() => _scratch.Dispose();

    /// <summary>The next byte that is not white space, or 0 at the end.</summary>
    public byte Peek()
    {
        while ((uint)Position < (uint)_json.Length)
        {
            var b = _json[Position];
            if (b > 0x20)
                return b;
            if (b is not (0x20 or 0x0A or 0x0D or 0x09))
                return b == 0 ? (byte)1 : b;
            Position++;
        }

        return 0;
    }

    public bool TryTake(byte expected)
    {
        if (Peek() != expected)
            return false;
        Position++;
        return true;
    }

    public bool AtEnd() => Peek() == 0;

    /// <summary>Goes to the next member or element. The first call of a container has <paramref name="first"/> set.</summary>
    /// <returns><see langword="false"/> at the closing bracket (taken) or if malformed.</returns>
    public bool TryNext(byte close, ref bool first, out bool malformed)
    {
        malformed = false;
        if (TryTake(close))
            return false;
        if (first)
        {
            first = false;
            return true;
        }

        malformed = !TryTake((byte)',') || Peek() == close;
        return !malformed;
    }

    public bool TryReadKey(out ReadOnlySpan<byte> key) => TryReadString(out key) && TryTake((byte)':');

    /// <summary>Reads a string, unescaped.</summary>
    public bool TryReadString(out ReadOnlySpan<byte> text)
    {
        text = default;
        if (!TrySkipString(out var raw, out var escaped))
            return false;
        text = raw;
        if (!escaped)
            return true;
        var target = _scratch.Take(raw.Length);
        if (target.Length < raw.Length || !TryUnescape(raw, target, out var length))
            return false;
        text = target[..length];
        return true;
    }

    public bool TryTakeLiteral(ReadOnlySpan<byte> literal)
    {
        if (!_json[Position..].StartsWith(literal))
            return false;
        Position += literal.Length;
        return true;
    }

    /// <summary>Reads a number by the grammar of RFC 8259 §6.</summary>
    /// <remarks>The double is infinite if the number does not fit; the integer counts only if <paramref name="isInteger"/>.</remarks>
    public IngestReason ReadNumber(out double value, out long integer, out bool isInteger)
    {
        Peek();
        value = 0;
        integer = 0;
        isInteger = false;
        var bytes = _json;
        var start = Position;
        var i = start;
        var negative = i < bytes.Length && bytes[i] == '-';
        if (negative)
            i++;
        if (bytes[i..].StartsWith("Infinity"u8) || bytes[i..].StartsWith("NaN"u8))
            return IngestReason.NotFinite;

        ulong mantissa = 0;
        var digitsStart = i;
        for (uint d; i < bytes.Length && (d = (uint)bytes[i] - '0') <= 9; i++)
            mantissa = unchecked((mantissa * 10) + d);
        var digits = i - digitsStart;
        if (digits == 0 || (digits > 1 && bytes[digitsStart] == '0'))
            return IngestReason.Malformed;

        var exponent = 0;
        isInteger = true;
        if (i < bytes.Length && bytes[i] == '.')
        {
            isInteger = false;
            var fractionStart = ++i;
            for (uint d; i < bytes.Length && (d = (uint)bytes[i] - '0') <= 9; i++)
                mantissa = unchecked((mantissa * 10) + d);
            exponent = fractionStart - i;
            digits -= exponent;
            if (exponent == 0)
                return IngestReason.Malformed;
        }

        if (i < bytes.Length && (bytes[i] | 0x20) == 'e')
        {
            isInteger = false;
            i++;
            var minus = i < bytes.Length && bytes[i] == '-';
            if (minus || (i < bytes.Length && bytes[i] == '+'))
                i++;
            var exponentStart = i;
            var power = 0;
            for (uint d; i < bytes.Length && (d = (uint)bytes[i] - '0') <= 9; i++)
                power = Math.Min((power * 10) + (int)d, 100_000);
            if (i == exponentStart)
                return IngestReason.Malformed;
            exponent += minus ? -power : power;
        }

        Position = i;
        // Up to 19 digits fit 64 bits. Both operands below 2^53 and 10^22 are exact, so one operation rounds correctly (Clinger).
        if (digits <= 19 && mantissa <= 1UL << 53 && exponent is >= -22 and <= 22)
        {
            value = exponent < 0 ? mantissa / PowersOfTen[-exponent] : mantissa * PowersOfTen[exponent];
            value = negative ? -value : value;
            integer = negative ? -(long)mantissa : (long)mantissa;
            return IngestReason.None;
        }

        if (isInteger)
            isInteger = long.TryParse(bytes[start..i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out integer);
        return double.TryParse(bytes[start..i], NumberStyles.Float, CultureInfo.InvariantCulture, out value)
            ? IngestReason.None
            : IngestReason.Malformed;
    }

    /// <summary>Passes over a value and checks it.</summary>
    /// <param name="depth">How many containers are open around it.</param>
    public IngestReason Skip(int depth)
    {
        switch (Peek())
        {
            case (byte)'"':
                return TrySkipString(out _, out _) ? IngestReason.None : IngestReason.Malformed;
            case (byte)'t':
                return TryTakeLiteral("true"u8) ? IngestReason.None : IngestReason.Malformed;
            case (byte)'f':
                return TryTakeLiteral("false"u8) ? IngestReason.None : IngestReason.Malformed;
            case (byte)'n':
                return TryTakeLiteral("null"u8) ? IngestReason.None : IngestReason.Malformed;
            case (byte)'{':
            case (byte)'[':
                return depth >= TelemetryLimits.MaxDepth ? IngestReason.TooDeep : SkipContainer(depth + 1);
            default:
                return ReadNumber(out _, out _, out _);
        }
    }

    private IngestReason SkipContainer(int depth)
    {
        var isObject = _json[Position++] == '{';
        var close = isObject ? (byte)'}' : (byte)']';
        var first = true;
        bool malformed;
        while (TryNext(close, ref first, out malformed))
        {
            if (isObject && !(Peek() == '"' && TrySkipString(out _, out _) && TryTake((byte)':')))
                return IngestReason.Malformed;
            var reason = Skip(depth);
            if (reason != IngestReason.None)
                return reason;
        }

        return malformed ? IngestReason.Malformed : IngestReason.None;
    }

    private bool TrySkipString(out ReadOnlySpan<byte> raw, out bool escaped)
    {
        raw = default;
        escaped = false;
        if (!TryTake((byte)'"'))
            return false;
        var start = Position;
        while (true)
        {
            var stop = _json[Position..].IndexOfAny(s_stringStops);
            if (stop < 0)
                return false;
            Position += stop;
            var b = _json[Position];
            if (b == '"')
            {
                raw = _json[start..Position++];
                return true;
            }

            if (b != '\\' || !IsEscape(_json[(Position + 1)..]))
                return false;
            escaped = true;
            Position += 2;
        }
    }

    private static bool IsEscape(ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty)
            return false;
        return rest[0] == 'u'
            ? TryReadHex(rest[1..], out _)
            : rest[0] is (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t';
    }

    private static bool TryUnescape(ReadOnlySpan<byte> raw, Span<byte> target, out int length)
    {
        length = 0;
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] != '\\')
            {
                target[length++] = raw[i];
                continue;
            }

            var kind = raw[++i];
            if (kind != 'u')
            {
                target[length++] = kind switch
                {
                    (byte)'b' => 8,
                    (byte)'f' => 12,
                    (byte)'n' => 10,
                    (byte)'r' => 13,
                    (byte)'t' => 9,
                    _ => kind,
                };
                continue;
            }

            TryReadHex(raw[(i + 1)..], out var unit);
            i += 4;
            if (char.IsHighSurrogate((char)unit))
            {
                if (raw.Length - i < 7 || raw[i + 1] != '\\' || raw[i + 2] != 'u' || !TryReadHex(raw[(i + 3)..], out var low))
                    return false;
                if (!char.IsLowSurrogate((char)low))
                    return false;
                unit = char.ConvertToUtf32((char)unit, (char)low);
                i += 6;
            }
            else if (char.IsLowSurrogate((char)unit))
            {
                return false;
            }

            length += new System.Text.Rune(unit).EncodeToUtf8(target[length..]);
        }

        return true;
    }

    private static bool TryReadHex(ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        if (text.Length < 4)
            return false;
        for (var i = 0; i < 4; i++)
        {
            if (!char.IsAsciiHexDigit((char)text[i]))
                return false;
            value = (value << 4) | (text[i] <= '9' ? text[i] - '0' : (text[i] | 0x20) - 'a' + 10);
        }

        return true;
    }

    private static ReadOnlySpan<double> PowersOfTen =>
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];
}
