using System.Buffers;
using System.Text.Json;

namespace Insa.Iiot.Ingestion.Pipeline;

/// <summary>Writes a frame as platform JSON: what is kept of a frame that the store refused.</summary>
internal static class FrameJson
{
    public static byte[] Write(TelemetryFrame frame)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("device_id", frame.Device.Value);
        json.WriteString("timestamp", new DateTime(frame.TimestampTicks, DateTimeKind.Utc));
        json.WriteStartObject("data");
        for (var i = 0; i < frame.Count; i++)
        {
            json.WritePropertyName(frame.Layout.Metrics[i]);
            WriteValue(json, frame.GetValue(i));
        }

        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteValue(Utf8JsonWriter json, TelemetryValue value)
    {
        switch (value.Kind)
        {
            case TelemetryValueKind.Double:
                json.WriteNumberValue(value.AsDouble());
                break;
            case TelemetryValueKind.Long:
                json.WriteNumberValue(value.AsLong());
                break;
            case TelemetryValueKind.Bool:
                json.WriteBooleanValue(value.AsBool());
                break;
            case TelemetryValueKind.Text:
                json.WriteStringValue(value.AsText());
                break;
            default:
                json.WriteRawValue(value.AsText());
                break;
        }
    }
}
