using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Insa.Iiot.Protocols.Coap.Resources;

/// <summary>Writes commands as an array of objects, in JSON or in CBOR.</summary>
internal static class CommandList
{
    private const int FirstBytes = 512;

    /// <summary>Writes as many as there is room for, and one at least.</summary>
    /// <returns>The text, and how many are in it.</returns>
    public static (byte[] Payload, int Count) Write(IReadOnlyList<DeviceCommand> commands, int format, int maxBytes)
    {
        var isCbor = format == CoapContentFormat.Cbor;
        var items = new ArrayBufferWriter<byte>(FirstBytes);
        var count = 0;
        foreach (var command in commands)
        {
            var item = isCbor ? Cbor(command) : Json(command);

            // The array's own bytes: two brackets, or a head of two bytes; and a comma.
            if (count > 0 && items.WrittenCount + item.Length + 3 > maxBytes)
                break;
            if (count > 0 && !isCbor)
                items.Write(","u8);
            items.Write(item);
            count++;
        }

        if (!isCbor)
            return ([(byte)'[', .. items.WrittenSpan, (byte)']'], count);
        var array = new CborText();
        array.WriteArray(count);
        array.WriteRaw(items.WrittenSpan);
        return (array.ToArray(), count);
    }

    private static byte[] Json(DeviceCommand command)
    {
        var buffer = new ArrayBufferWriter<byte>(FirstBytes);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("id"u8, command.Id);
            writer.WriteString("name"u8, command.Name);
            if (!command.Data.IsEmpty)
            {
                writer.WritePropertyName("data"u8);
                writer.WriteRawValue(command.Data.Span);
            }

            writer.WriteString("created_at"u8, Rfc3339(command.CreatedAt));
            writer.WriteString("expires_at"u8, Rfc3339(command.ExpiresAt));
            writer.WriteBoolean("needs_answer"u8, command.NeedsAnswer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static byte[] Cbor(DeviceCommand command)
    {
        var writer = new CborText();
        writer.WriteMap(command.Data.IsEmpty ? 5 : 6);
        writer.WriteText("id");
        writer.WriteInteger(command.Id);
        writer.WriteText("name");
        writer.WriteText(command.Name);
        if (!command.Data.IsEmpty)
        {
            writer.WriteText("data");
            writer.WriteJson(command.Data.Span);
        }

        writer.WriteText("created_at");
        writer.WriteText(Rfc3339(command.CreatedAt));
        writer.WriteText("expires_at");
        writer.WriteText(Rfc3339(command.ExpiresAt));
        writer.WriteText("needs_answer");
        writer.WriteBoolean(command.NeedsAnswer);
        return writer.ToArray();
    }

    private static string Rfc3339(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
