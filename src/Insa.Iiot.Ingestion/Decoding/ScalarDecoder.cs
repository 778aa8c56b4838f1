namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>Reads one bare value: a number, a boolean, a quoted JSON string, or else the payload itself as text.</summary>
internal sealed class ScalarDecoder : ITelemetryDecoder
{
    public PayloadFormat Format => PayloadFormat.Scalar;

    public IngestReason Decode(in TelemetryMessage message, TelemetryFrameWriter writer)
    {
        var name = message.Metric.IsEmpty ? "value"u8 : message.Metric;
        var text = message.Payload.Trim(" \t\r\n"u8);
        if (text.IsEmpty)
            return IngestReason.Empty;
        var reason = Add(name, text, writer);
        return reason == IngestReason.None ? writer.EndFrame() : reason;
    }

    private static IngestReason Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> text, TelemetryFrameWriter writer)
    {
        if (text.SequenceEqual("true"u8))
            return writer.AddBool(name, true);
        if (text.SequenceEqual("false"u8))
            return writer.AddBool(name, false);
        if (IsNotFinite(text))
            return IngestReason.NotFinite;
        var cursor = new JsonCursor(text);
        try
        {
            if (text[0] == '"')
                return cursor.TryReadString(out var unquoted) && cursor.AtEnd() ? writer.AddText(name, unquoted) : IngestReason.Malformed;
            if (cursor.ReadNumber(out var value, out var integer, out var isInteger) == IngestReason.None && cursor.AtEnd())
            {
                return isInteger && integer is > 1L << 53 or < -(1L << 53) ? writer.AddLong(name, integer) : writer.AddDouble(name, value);
            }

            return writer.AddText(name, text);
        }
        finally
        {
            cursor.Dispose();
        }
    }

    private static bool IsNotFinite(ReadOnlySpan<byte> text)
    {
        if (text[0] is (byte)'-' or (byte)'+')
            text = text[1..];
        return System.Text.Ascii.EqualsIgnoreCase(text, "nan"u8)
            || System.Text.Ascii.EqualsIgnoreCase(text, "inf"u8)
            || System.Text.Ascii.EqualsIgnoreCase(text, "infinity"u8);
    }
}
