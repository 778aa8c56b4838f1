using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Server.Writing;

/// <summary>
/// Reads what <see cref="WriteFrames"/> writes: one frame, a time in UTC ticks and a count of values first, each value with its name, kind, quality and 64
/// bits or text.
/// </summary>
internal sealed class WriteDecoder : ITelemetryDecoder
{
    public static readonly PayloadFormat WriteFormat = new("application/vnd.insa.iiot.opcua-write");

    public PayloadFormat Format => WriteFormat;

    public IngestReason Decode(in TelemetryMessage message, TelemetryFrameWriter writer)
    {
        var reader = new UaReader(message.Payload, EncodingLimits.Default);
        var ticks = reader.Int64();
        var count = reader.Int32();
        if (!reader.Status.IsGood)
            return IngestReason.Malformed;
        var reason = writer.SetTimestamp(ticks);
        for (; count > 0 && reason == IngestReason.None; count--)
            reason = ReadValue(ref reader, writer);
        return reason == IngestReason.None && reader.Remaining > 0 ? IngestReason.Malformed
            : reason == IngestReason.None ? writer.EndFrame()
            : reason;
    }

    private static IngestReason ReadValue(ref UaReader reader, TelemetryFrameWriter writer)
    {
        var name = reader.Utf8String();
        var kind = (TelemetryValueKind)reader.Byte();
        var quality = (TelemetryQuality)reader.Byte();
        var isText = kind is TelemetryValueKind.Text or TelemetryValueKind.Json;
        var text = isText ? reader.Utf8String() : default;
        var bits = isText ? 0 : reader.Int64();
        if (!reader.Status.IsGood)
            return IngestReason.Malformed;
        return kind switch
        {
            TelemetryValueKind.Double => writer.AddDouble(name, BitConverter.Int64BitsToDouble(bits), quality),
            TelemetryValueKind.Long => writer.AddLong(name, bits, quality),
            TelemetryValueKind.Bool => writer.AddBool(name, bits != 0, quality),
            TelemetryValueKind.Text => writer.AddText(name, text, quality),
            TelemetryValueKind.Json when JsonText.IsValid(text) => writer.AddJson(name, text, quality),
            _ => IngestReason.Malformed,
        };
    }
}
