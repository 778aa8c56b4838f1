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
            if (!cursor.TryReadHead(out var major, out var count, out var open) || major != 4)
                return IngestReason.Malformed;
            for (ulong i = 0; open ? !cursor.TryTakeBreak() : i < count; i++)
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
        if (!cursor.TryReadHead(out var major, out var count, out var open) || major != 5)
            return IngestReason.Malformed;
        for (ulong i = 0; open ? !cursor.TryTakeBreak() : i < count; i++)
        {
            if (!cursor.TryReadHead(out major, out var argument, out var openKey))
                return IngestReason.Malformed;
            var label = SenmlLabel.Unknown;
            if (major == 0 && argument <= 8)
                label = (SenmlLabel)argument;
            else if (major == 1 && argument <= 5)
                label = (SenmlLabel)(-1 - (int)argument);
            else if (major == 3)
            {
                if (!cursor.TryReadBytes(major, argument, openKey, out var key))
                    return IngestReason.Malformed;
                if (key.EndsWith("_"u8))
                    return IngestReason.UnknownExtension;
            }
            else if (major > 1)
                return IngestReason.Malformed;

            if (label != SenmlLabel.Unknown && !record.TryMark(label))
                return IngestReason.Malformed;
            var reason = ReadField(ref cursor, label, ref record);
            if (reason != IngestReason.None)
                return reason;
        }

        return IngestReason.None;
    }

    private static IngestReason ReadField(ref CborCursor cursor, SenmlLabel label, ref SenmlRecord record)
    {
        if (label == SenmlLabel.Unknown)
            return cursor.Skip(2);
        if (!cursor.TryReadHead(out var major, out var argument, out var open))
            return IngestReason.Malformed;
        switch (label)
        {
            case SenmlLabel.BooleanValue:
                record.Boolean = cursor.LastHead == 0xF5;
                return cursor.LastHead is 0xF4 or 0xF5 ? IngestReason.None : IngestReason.Malformed;
            case SenmlLabel.DataValue:
                if (major != 2 || !cursor.TryReadBytes(2, argument, open, out var data))
                    return IngestReason.Malformed;
                record.SetText(label, cursor.ToBase64Url(data));
                return IngestReason.None;
            case SenmlLabel.BaseName or SenmlLabel.BaseUnit or SenmlLabel.Name or SenmlLabel.Unit or SenmlLabel.TextValue:
                if (major != 3 || !cursor.TryReadBytes(3, argument, open, out var text))
                    return IngestReason.Malformed;
                record.SetText(label, text);
                return IngestReason.None;
            default:
                double number = 0;
                switch (cursor.LastHead)
                {
                    case 0xF9:
                        number = (double)BitConverter.UInt16BitsToHalf((ushort)argument);
                        break;
                    case 0xFA:
                        number = BitConverter.UInt32BitsToSingle((uint)argument);
                        break;
                    case 0xFB:
                        number = BitConverter.UInt64BitsToDouble(argument);
                        break;
                    default:
                        if (major == 6 && !cursor.TryReadScaled(argument, out number))
                            return IngestReason.Malformed;
                        if (major is > 1 and not 6)
                            return IngestReason.Malformed;
                        number = major switch
                        {
                            0 => argument,
                            1 => -1.0 - argument,
                            _ => number,
                        };
                        break;
                }

                record.SetNumber(label, number);
                return double.IsFinite(number) ? IngestReason.None : IngestReason.NotFinite;
        }
    }
}
