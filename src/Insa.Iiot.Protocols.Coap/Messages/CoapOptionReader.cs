using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.Coap.Messages;

/// <summary>Goes through options that <see cref="TryMeasure"/> has found to be well formed (RFC 7252 §3.1).</summary>
internal ref struct CoapOptionReader(ReadOnlySpan<byte> options)
{
    private const byte PayloadMarker = 0xFF;
    private const int MaxNumber = ushort.MaxValue;

    private ReadOnlySpan<byte> _rest = options;

    /// <summary>The option's number; options come by ascending number.</summary>
    public int Number { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>The value as a number of up to four bytes; leading zeros are allowed (RFC 7252 §3.2).</summary>
    public readonly uint UInt
    {
        get
        {
            uint value = 0;
            foreach (var b in Value)
                value = (value << 8) | b;
            return value;
        }
    }

    /// <summary>Measures the options at the start of a span, up to a payload marker or the end.</summary>
    /// <returns><see langword="false"/> if they are not well formed.</returns>
    public static bool TryMeasure(ReadOnlySpan<byte> span, out int length)
    {
        length = 0;
        var number = 0;
        while (length < span.Length && span[length] != PayloadMarker)
        {
            var rest = span[length..];
            if (!TryReadHead(rest, out var delta, out var valueLength, out var head) || valueLength > rest.Length - head)
                return false;
            number += delta;
            if (number > MaxNumber)
                return false;
            length += head + valueLength;
        }

        return true;
    }

    public bool Read()
    {
        if (_rest.IsEmpty)
            return false;
        TryReadHead(_rest, out var delta, out var length, out var head);
        Number += delta;
        Value = _rest.Slice(head, length);
        _rest = _rest[(head + length)..];
        return true;
    }

    private static bool TryReadHead(ReadOnlySpan<byte> span, out int delta, out int length, out int head)
    {
        head = 1;
        length = 0;
        return TryReadExtended(span, span[0] >> 4, ref head, out delta) && TryReadExtended(span, span[0] & 0x0F, ref head, out length);
    }

    private static bool TryReadExtended(ReadOnlySpan<byte> span, int nibble, ref int head, out int value)
    {
        value = nibble;
        switch (nibble)
        {
            case < 13:
                return true;
            case 13 when span.Length > head:
                value = span[head] + 13;
                head += 1;
                return true;
            case 14 when span.Length > head + 1:
                value = BinaryPrimitives.ReadUInt16BigEndian(span[head..]) + 269;
                head += 2;
                return true;
            default:
                return false;
        }
    }
}
