namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>Reads SenML in CBOR (RFC 8428 §6). Of tags it knows those of numbers; others are passed over in fields that are ignored.</summary>
internal sealed class SenmlCborDecoder : ITelemetryDecoder
{
    public PayloadFormat Format => PayloadFormat.SenmlCbor;

    public IngestReason Decode(in TelemetryMessage message, TelemetryFrameWriter writer)
    {
        if (message.Payload.IsEmpty)
            return IngestReason.Empty;
        Span<byte> buffer = stackalloc byte[SenmlResolver.BufferBytes];
        var resolver = new SenmlResolver(writer, message.Device, buffer);
        var cursor = new CborCursor(message.Payload);
        try
        {
            if (!cursor.TryReadHead(out var pack) || pack.Major != CborHead.Array)
                return IngestReason.Malformed;
            for (ulong taken = 0; cursor.TryNext(pack, ref taken); )
            {
                var record = default(SenmlRecord);
                var reason = ReadRecord(ref cursor, ref record);
                if (reason == IngestReason.None)
                    reason = resolver.Add(record);
                if (reason != IngestReason.None)
                    return reason;
            }

            return cursor.AtEnd ? resolver.End() : IngestReason.Malformed;
        }
        finally
        {
            cursor.Dispose();
        }
    }

    private static IngestReason ReadRecord(ref CborCursor cursor, ref SenmlRecord record)
    {
        if (!cursor.TryReadHead(out var map) || map.Major != CborHead.Map)
            return IngestReason.Malformed;
        for (ulong taken = 0; cursor.TryNext(map, ref taken); )
        {
            var reason = ReadLabel(ref cursor, out var label);
            if (reason != IngestReason.None)
                return reason;
            if (label != SenmlLabel.Unknown && !record.TryMark(label))
                return IngestReason.Malformed;
            reason = ReadField(ref cursor, label, ref record);
            if (reason != IngestReason.None)
                return reason;
        }

        return IngestReason.None;
    }

    private static IngestReason ReadLabel(ref CborCursor cursor, out SenmlLabel label)
    {
        label = SenmlLabel.Unknown;
        if (!cursor.TryReadHead(out var head))
            return IngestReason.Malformed;
        switch (head.Major)
        {
            case CborHead.UnsignedInteger:
                label = head.Argument <= 8 ? (SenmlLabel)head.Argument : SenmlLabel.Unknown;
                return IngestReason.None;
            case CborHead.NegativeInteger:
                label = head.Argument <= 5 ? (SenmlLabel)(-1 - (int)head.Argument) : SenmlLabel.Unknown;
                return IngestReason.None;
            case CborHead.TextString:
                if (!cursor.TryReadString(head, out var key))
                    return IngestReason.Malformed;
                return key.EndsWith("_"u8) ? IngestReason.UnknownExtension : IngestReason.None;
            default:
                return IngestReason.Malformed;
        }
    }

    private static IngestReason ReadField(ref CborCursor cursor, SenmlLabel label, ref SenmlRecord record)
    {
        if (label == SenmlLabel.Unknown)
            return cursor.Skip(2);
        if (!cursor.TryReadHead(out var head))
            return IngestReason.Malformed;
        switch (label)
        {
            case SenmlLabel.BooleanValue:
                record.Boolean = head.Initial == CborHead.True;
                return head.Initial is CborHead.False or CborHead.True ? IngestReason.None : IngestReason.Malformed;
            case SenmlLabel.DataValue:
                if (head.Major != CborHead.ByteString || !cursor.TryReadString(head, out var data))
                    return IngestReason.Malformed;
                record.SetText(label, cursor.ToBase64Url(data));
                return IngestReason.None;
            case SenmlLabel.BaseName or SenmlLabel.BaseUnit or SenmlLabel.Name or SenmlLabel.Unit or SenmlLabel.TextValue:
                if (head.Major != CborHead.TextString || !cursor.TryReadString(head, out var text))
                    return IngestReason.Malformed;
                record.SetText(label, text);
                return IngestReason.None;
            default:
                if (!cursor.TryReadNumber(head, out var number))
                    return IngestReason.Malformed;
                record.SetNumber(label, number);
                return double.IsFinite(number) ? IngestReason.None : IngestReason.NotFinite;
        }
    }
}
