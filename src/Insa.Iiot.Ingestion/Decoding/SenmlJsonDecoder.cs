using System.Buffers.Text;

namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>Reads SenML in JSON (RFC 8428 §5).</summary>
internal sealed class SenmlJsonDecoder : ITelemetryDecoder
{
    public PayloadFormat Format => PayloadFormat.SenmlJson;

    public IngestReason Decode(in TelemetryMessage message, TelemetryFrameWriter writer)
    {
        var cursor = new JsonCursor(message.Payload);
        Span<byte> buffer = stackalloc byte[SenmlResolver.BufferBytes];
        var resolver = new SenmlResolver(writer, message.Device, buffer);
        try
        {
            if (cursor.AtEnd())
                return IngestReason.Empty;
            if (!cursor.TryTake((byte)'['))
                return IngestReason.Malformed;
            var first = true;
            bool malformed;
            while (cursor.TryNext((byte)']', ref first, out malformed))
            {
                var record = default(SenmlRecord);
                var reason = ReadRecord(ref cursor, ref record);
                if (reason == IngestReason.None)
                    reason = resolver.Add(record);
                if (reason != IngestReason.None)
                    return reason;
            }

            return malformed || !cursor.AtEnd() ? IngestReason.Malformed : resolver.End();
        }
        finally
        {
            cursor.Dispose();
        }
    }

    private static IngestReason ReadRecord(ref JsonCursor cursor, ref SenmlRecord record)
    {
        if (!cursor.TryTake((byte)'{'))
            return IngestReason.Malformed;
        var first = true;
        bool malformed;
        while (cursor.TryNext((byte)'}', ref first, out malformed))
        {
            if (!cursor.TryReadKey(out var key))
                return IngestReason.Malformed;
            var label = LabelOf(key);
            // RFC 8428 §4.4: a label that ends in '_' must be understood.
            if (label == SenmlLabel.Unknown && key.EndsWith("_"u8))
                return IngestReason.UnknownExtension;
            if (label != SenmlLabel.Unknown && !record.TryMark(label))
                return IngestReason.Malformed;
            var reason = ReadField(ref cursor, label, ref record);
            if (reason != IngestReason.None)
                return reason;
        }

        return malformed ? IngestReason.Malformed : IngestReason.None;
    }

    private static IngestReason ReadField(ref JsonCursor cursor, SenmlLabel label, ref SenmlRecord record)
    {
        switch (label)
        {
            case SenmlLabel.Unknown:
                return cursor.Skip(2);
            case SenmlLabel.BooleanValue:
                cursor.Peek();
                record.Boolean = cursor.TryTakeLiteral("true"u8);
                return record.Boolean || cursor.TryTakeLiteral("false"u8) ? IngestReason.None : IngestReason.Malformed;
            case SenmlLabel.BaseName
            or SenmlLabel.BaseUnit
            or SenmlLabel.Name
            or SenmlLabel.Unit
            or SenmlLabel.TextValue
            or SenmlLabel.DataValue:
                if (!cursor.TryReadString(out var text))
                    return IngestReason.Malformed;
                record.SetText(label, text);
                return label == SenmlLabel.DataValue && !Base64Url.IsValid(text) ? IngestReason.Malformed : IngestReason.None;
            default:
                var reason = cursor.ReadNumber(out var number, out _, out _);
                record.SetNumber(label, number);
                return reason;
        }
    }

    private static SenmlLabel LabelOf(ReadOnlySpan<byte> key) =>
        key switch
        {
            [(byte)'n'] => SenmlLabel.Name,
            [(byte)'u'] => SenmlLabel.Unit,
            [(byte)'v'] => SenmlLabel.Value,
            [(byte)'s'] => SenmlLabel.Sum,
            [(byte)'t'] => SenmlLabel.Time,
            [(byte)'v', (byte)'s'] => SenmlLabel.TextValue,
            [(byte)'v', (byte)'b'] => SenmlLabel.BooleanValue,
            [(byte)'v', (byte)'d'] => SenmlLabel.DataValue,
            [(byte)'u', (byte)'t'] => SenmlLabel.UpdateTime,
            [(byte)'b', (byte)'n'] => SenmlLabel.BaseName,
            [(byte)'b', (byte)'t'] => SenmlLabel.BaseTime,
            [(byte)'b', (byte)'u'] => SenmlLabel.BaseUnit,
            [(byte)'b', (byte)'v'] => SenmlLabel.BaseValue,
            [(byte)'b', (byte)'s'] => SenmlLabel.BaseSum,
            _ => key.SequenceEqual("bver"u8) ? SenmlLabel.BaseVersion : SenmlLabel.Unknown,
        };
}
