using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Insa.Iiot.Protocols.Mqtt.Packets;

namespace Insa.Iiot.Protocols.Mqtt.Messaging;

/// <summary>Writes a command as a PUBLISH of QoS 1 (MQTT 3.1.1 and 5, §3.3).</summary>
internal static class CommandPacket
{
    private const byte FirstByte = ((byte)MqttPacketType.Publish << 4) | 2;
    private const byte PayloadFormatIndicator = 0x01;
    private const byte MessageExpiry = 0x02;
    private const byte ContentType = 0x03;
    private const byte ResponseTopic = 0x08;

    public static ReadOnlyMemory<byte> Write(byte version, ushort packetId, DeviceCommand command, DateTime now)
    {
        var body = new ArrayBufferWriter<byte>(512);
        WriteText(body, CommandTopics.CommandOf(command.Id));
        WriteNumber(body, packetId);
        if (version == 5)
            WriteProperties(body, command, now);
        WritePayload(body, command);

        var packet = new ArrayBufferWriter<byte>(body.WrittenCount + 5);
        packet.Write<byte>([FirstByte]);
        var length = body.WrittenCount;
        do
        {
            packet.Write<byte>([(byte)((length & 0x7F) | (length > 0x7F ? 0x80 : 0))]);
            length >>= 7;
        } while (length > 0);
        packet.Write(body.WrittenSpan);
        return packet.WrittenMemory;
    }

    private static void WriteProperties(ArrayBufferWriter<byte> body, DeviceCommand command, DateTime now)
    {
        var properties = new ArrayBufferWriter<byte>(64);
        properties.Write<byte>([PayloadFormatIndicator, 1, MessageExpiry]);
        var seconds = Math.Clamp(Math.Ceiling((command.ExpiresAt - now).TotalSeconds), 1, uint.MaxValue);
        BinaryPrimitives.WriteUInt32BigEndian(properties.GetSpan(sizeof(uint)), (uint)seconds);
        properties.Advance(sizeof(uint));
        properties.Write<byte>([ContentType]);
        WriteText(properties, "application/json");
        properties.Write<byte>([ResponseTopic]);
        WriteText(properties, CommandTopics.AnswerTo(command.Id));

        // Less than 128 bytes whatever the id.
        body.Write<byte>([(byte)properties.WrittenCount]);
        body.Write(properties.WrittenSpan);
    }

    private static void WritePayload(ArrayBufferWriter<byte> body, DeviceCommand command)
    {
        using var writer = new Utf8JsonWriter(body);
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

    private static string Rfc3339(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static void WriteText(ArrayBufferWriter<byte> target, string text)
    {
        WriteNumber(target, (ushort)text.Length);
        Encoding.ASCII.GetBytes(text, target);
    }

    private static void WriteNumber(ArrayBufferWriter<byte> target, ushort number)
    {
        BinaryPrimitives.WriteUInt16BigEndian(target.GetSpan(sizeof(ushort)), number);
        target.Advance(sizeof(ushort));
    }
}
