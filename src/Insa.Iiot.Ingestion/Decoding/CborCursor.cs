using System.Buffers.Text;

namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>Reads CBOR (RFC 8949) in place and throws nothing.</summary>
internal ref struct CborCursor(ReadOnlySpan<byte> cbor)
{
    private readonly ReadOnlySpan<byte> _cbor = cbor;

    // Byte strings in chunks are put together, and then written in base64: every byte may be needed 1 + 4/3 times.
    private DecoderScratch _scratch = new(cbor.Length * 3);

    public int Position { get; set; }

    public readonly bool AtEnd => Position == _cbor.Length;

    public void Dispose() => _scratch.Dispose();

    public bool TryReadHead(out CborHead head)
    {
        head = default;
        if (AtEnd)
            return false;
        var initial = _cbor[Position];
        var rest = _cbor[(Position + 1)..];
        var info = initial & 0x1F;
        var extra = info is >= 24 and <= 27 ? 1 << (info - 24) : 0;
        if (rest.Length < extra || info is 28 or 29 or 30 || (info == 31 && initial >> 5 is (0 or 1 or 6 or 7)))
            return false;
        var argument = info < 24 ? (ulong)info : 0;
        for (var i = 0; i < extra; i++)
            argument = (argument << 8) | rest[i];
        Position += 1 + extra;
        head = new CborHead(initial, argument);
        return true;
    }

    /// <summary>Goes to the next element of an array or the next pair of a map.</summary>
    /// <param name="container">Its head.</param>
    /// <param name="taken">How many were gone through: 0 before the first call.</param>
    /// <returns><see langword="false"/> at the end; a break is taken.</returns>
    public bool TryNext(CborHead container, ref ulong taken) => container.IsIndefinite ? !TryTakeBreak() : taken++ < container.Argument;

    /// <summary>Reads the string whose head was just read; chunks are put together.</summary>
    public bool TryReadString(CborHead head, out ReadOnlySpan<byte> bytes)
    {
        if (!head.IsIndefinite)
            return TrySlice(head.Argument, out bytes);
        bytes = default;
        var start = Position;
        if (!TryPassChunks(head.Major, out var total))
            return false;
        var end = Position;
        var joined = _scratch.Take(total);
        if (joined.Length < total)
            return false;
        Position = start;
        for (var at = 0; !TryTakeBreak(); )
        {
            TryReadHead(out var chunk);
            TrySlice(chunk.Argument, out var part);
            part.CopyTo(joined[at..]);
            at += part.Length;
        }

        Position = end;
        bytes = joined;
        return true;
    }

    /// <summary>Reads the number whose head was just read: an integer, a float of any width, or one behind tag 4 or 5.</summary>
    /// <returns><see langword="false"/> if it is none of them; a number may be infinite or not a number.</returns>
    public bool TryReadNumber(CborHead head, out double value)
    {
        value = 0;
        switch (head.Initial)
        {
            case 0xF9:
                value = (double)BitConverter.UInt16BitsToHalf((ushort)head.Argument);
                return true;
            case 0xFA:
                value = BitConverter.UInt32BitsToSingle((uint)head.Argument);
                return true;
            case 0xFB:
                value = BitConverter.UInt64BitsToDouble(head.Argument);
                return true;
            default:
                return head.Major == CborHead.Tag ? TryReadScaled(head.Argument, out value) : TryToDouble(head, out value);
        }
    }

    public ReadOnlySpan<byte> ToBase64Url(ReadOnlySpan<byte> data)
    {
        var target = _scratch.Take(Base64Url.GetEncodedLength(data.Length));
        return Base64Url.TryEncodeToUtf8(data, target, out var written) ? target[..written] : default;
    }

    /// <summary>Passes over a value.</summary>
    /// <param name="depth">How many containers and tags are open around it.</param>
    public IngestReason Skip(int depth)
    {
        if (!TryReadHead(out var head))
            return IngestReason.Malformed;
        if (head.Major is CborHead.ByteString or CborHead.TextString)
        {
            var passed = head.IsIndefinite ? TryPassChunks(head.Major, out _) : TrySlice(head.Argument, out _);
            return passed ? IngestReason.None : IngestReason.Malformed;
        }

        if (head.Major is not (CborHead.Array or CborHead.Map or CborHead.Tag))
            return IngestReason.None;
        if (depth >= TelemetryLimits.MaxDepth)
            return IngestReason.TooDeep;
        if (head.Major == CborHead.Tag)
            return Skip(depth + 1);
        for (ulong taken = 0; TryNext(head, ref taken); )
        {
            var reason = head.Major == CborHead.Map ? Skip(depth + 1) : IngestReason.None;
            if (reason == IngestReason.None)
                reason = Skip(depth + 1);
            if (reason != IngestReason.None)
                return reason;
        }

        return IngestReason.None;
    }

    private bool TryTakeBreak()
    {
        if (AtEnd || _cbor[Position] != 0xFF)
            return false;
        Position++;
        return true;
    }

    private bool TryPassChunks(int major, out int total)
    {
        total = 0;
        while (!TryTakeBreak())
        {
            if (!TryReadHead(out var chunk) || chunk.Major != major || chunk.IsIndefinite || !TrySlice(chunk.Argument, out var part))
                return false;
            total += part.Length;
        }

        return true;
    }

    // A decimal fraction (tag 4) or a bigfloat (tag 5) behind its tag: exponent and mantissa (RFC 8949 §3.4.4).
    private bool TryReadScaled(ulong tag, out double value)
    {
        value = 0;
        if (tag is not (4 or 5) || !TryReadHead(out var pair) || pair.Major != CborHead.Array || pair.IsIndefinite || pair.Argument != 2)
            return false;
        if (
            !TryReadHead(out var head)
            || !TryToDouble(head, out var exponent)
            || !TryReadHead(out head)
            || !TryToDouble(head, out var mantissa)
        )
            return false;
        value = tag == 4 ? ScaleDecimal(mantissa, exponent) : mantissa * Math.Pow(2, exponent);
        if (mantissa == 0)
            value = 0;
        return true;
    }

    // A power of ten up to 22 and a mantissa below 2^53 are exact, so that one operation rounds correctly; else the last digit may be off.
    private static double ScaleDecimal(double mantissa, double exponent) =>
        exponent < 0 ? mantissa / Math.Pow(10, -exponent) : mantissa * Math.Pow(10, exponent);

    private static bool TryToDouble(CborHead head, out double value)
    {
        // A negative integer says -1 - n: the sum is made in integers, so that it is rounded once.
        value = head switch
        {
            { Major: CborHead.UnsignedInteger } => head.Argument,
            { Argument: ulong.MaxValue } => -18446744073709551616.0,
            _ => -(double)(head.Argument + 1),
        };
        return head.Major is CborHead.UnsignedInteger or CborHead.NegativeInteger;
    }

    private bool TrySlice(ulong length, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (length > (ulong)(_cbor.Length - Position))
            return false;
        bytes = _cbor.Slice(Position, (int)length);
        Position += (int)length;
        return true;
    }
}
