using System.Buffers.Text;

namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>Reads CBOR (RFC 8949) in place and throws nothing.</summary>
internal ref struct CborCursor(ReadOnlySpan<byte> cbor)
{
    private readonly ReadOnlySpan<byte> _cbor = cbor;
    private DecoderScratch _scratch = new(cbor.Length * 2);
    private int _position;

    public byte LastHead { get; private set; }

    public readonly bool AtEnd => _position == _cbor.Length;

    public void Dispose() => _scratch.Dispose();

    public bool TryTakeBreak()
    {
        if (AtEnd || _cbor[_position] != 0xFF)
            return false;
        _position++;
        return true;
    }

    public bool TryReadHead(out int major, out ulong argument, out bool indefinite)
    {
        (major, argument, indefinite) = (0, 0, false);
        if (AtEnd)
            return false;
        var rest = _cbor[(_position + 1)..];
        LastHead = _cbor[_position];
        major = LastHead >> 5;
        var info = LastHead & 0x1F;
        if (info < 24)
            argument = (ulong)info;
        else if (info > 27)
            indefinite = true;
        var extra = info is >= 24 and <= 27 ? 1 << (info - 24) : 0;
        if (rest.Length < extra || info is 28 or 29 or 30 || (indefinite && major is (0 or 1 or 6 or 7)))
            return false;
        for (var i = 0; i < extra; i++)
            argument = (argument << 8) | rest[i];
        _position += 1 + extra;
        return true;
    }

    /// <summary>Reads the string whose head was just read; chunks are put together.</summary>
    public bool TryReadBytes(int major, ulong length, bool indefinite, out ReadOnlySpan<byte> bytes)
    {
        if (!indefinite)
            return TrySlice(length, out bytes);
        bytes = default;
        var start = _position;
        var total = 0;
        while (!TryTakeBreak())
        {
            if (!TryReadHead(out var chunk, out var size, out var nested) || chunk != major || nested || !TrySlice(size, out var part))
                return false;
            total += part.Length;
        }

        var end = _position;
        var joined = _scratch.Take(total);
        if (joined.Length < total)
            return false;
        _position = start;
        for (var at = 0; !TryTakeBreak(); )
        {
            TryReadHead(out _, out var size, out _);
            TrySlice(size, out var part);
            part.CopyTo(joined[at..]);
            at += part.Length;
        }

        _position = end;
        bytes = joined;
        return true;
    }

    /// <summary>Reads a decimal fraction (tag 4) or a bigfloat (tag 5) behind its tag: exponent and mantissa (RFC 8949 §3.4.4).</summary>
    public bool TryReadScaled(ulong tag, out double value)
    {
        value = 0;
        if (tag is not (4 or 5) || !TryReadHead(out var major, out var count, out var indefinite) || major != 4 || indefinite || count != 2)
            return false;
        if (!TryReadInteger(out var exponent) || !TryReadInteger(out var mantissa))
            return false;
        value = tag == 4 ? ScaleDecimal(mantissa, exponent) : mantissa * Math.Pow(2, exponent);
        if (mantissa == 0)
            value = 0;
        return true;
    }

    // A power of ten up to 22 and a mantissa below 2^53 are exact, so that one operation rounds correctly; else the last digit may be off.
    private static double ScaleDecimal(double mantissa, double exponent) =>
        exponent < 0 ? mantissa / Math.Pow(10, -exponent) : mantissa * Math.Pow(10, exponent);

    private bool TryReadInteger(out double value)
    {
        value = 0;
        if (!TryReadHead(out var major, out var argument, out _) || major > 1)
            return false;
        value = major == 0 ? argument : -1.0 - argument;
        return true;
    }

    public ReadOnlySpan<byte> ToBase64Url(ReadOnlySpan<byte> data)
    {
        var target = _scratch.Take(Base64Url.GetEncodedLength(data.Length));
        return Base64Url.TryEncodeToUtf8(data, target, out var written) ? target[..written] : default;
    }

    public IngestReason Skip(int depth)
    {
        if (!TryReadHead(out var major, out var argument, out var indefinite))
            return IngestReason.Malformed;
        if (major is 2 or 3)
            return TryReadBytes(major, argument, indefinite, out _) ? IngestReason.None : IngestReason.Malformed;
        if (major is not (4 or 5 or 6))
            return IngestReason.None;
        if (depth >= TelemetryLimits.MaxDepth)
            return IngestReason.TooDeep;
        var each = major == 5 ? 2 : 1;
        for (ulong i = 0; indefinite ? !TryTakeBreak() : i < (major == 6 ? 1 : argument); i++)
        {
            for (var j = 0; j < each; j++)
            {
                var reason = Skip(depth + 1);
                if (reason != IngestReason.None)
                    return reason;
            }
        }

        return IngestReason.None;
    }

    private bool TrySlice(ulong length, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (length > (ulong)(_cbor.Length - _position))
            return false;
        bytes = _cbor.Slice(_position, (int)length);
        _position += (int)length;
        return true;
    }
}
