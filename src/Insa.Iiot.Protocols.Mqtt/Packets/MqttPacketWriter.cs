using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Insa.Iiot.Protocols.Mqtt.Packets;

/// <summary>Writes the packets that the endpoint makes itself.</summary>
internal static class MqttPacketWriter
{
    /// <summary>PUBACK, PUBREC or PUBCOMP (MQTT 5 §3.4); a 3.1.1 one has no reason.</summary>
    public static void WriteAck(IBufferWriter<byte> output, byte version, MqttPacketType type, ushort id, MqttReason reason)
    {
        var hasReason = version == 5 && reason != MqttReason.Success;
        var packet = output.GetSpan(5);
        packet[0] = (byte)((byte)type << 4);
        packet[1] = (byte)(hasReason ? 3 : 2);
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], id);
        packet[4] = (byte)reason;
        output.Advance(hasReason ? 5 : 4);
    }

    public static void WriteDisconnect(IBufferWriter<byte> output, MqttReason reason) =>
        output.Write<byte>([(byte)MqttPacketType.Disconnect << 4, 1, (byte)reason]);

    /// <summary>CONNACK (§3.2) with what the endpoint allows.</summary>
    public static void WriteConnAck(
        IBufferWriter<byte> output,
        byte version,
        MqttReason reason,
        MqttEndpointOptions options,
        bool isSessionPresent = false,
        uint sessionExpiry = 0,
        string? assignedId = null
    )
    {
        var packet = output.GetSpan(512);
        packet[0] = (byte)MqttPacketType.ConnAck << 4;
        packet[2] = (byte)(isSessionPresent ? 1 : 0);
        if (version != 5)
        {
            packet[1] = 2;
            packet[3] = ToReturnCode(reason);
            output.Advance(4);
            return;
        }

        packet[3] = (byte)reason;
        var at = 5;
        if (reason == MqttReason.Success)
        {
            at = WriteProperty(packet, at, 0x11, sessionExpiry, 4);
            at = WriteProperty(packet, at, 0x21, (uint)options.ReceiveMaximum, 2);
            at = WriteProperty(packet, at, 0x22, (uint)options.TopicAliasMaximum, 2);
            at = WriteProperty(packet, at, 0x27, (uint)options.MaxPacketBytes, 4);
            at = WriteProperty(packet, at, 0x2A, 0, 1); // shared subscriptions are not available
            if (assignedId is not null)
            {
                at = WriteProperty(packet, at, 0x12, (uint)assignedId.Length, 2);
                at += Encoding.ASCII.GetBytes(assignedId, packet[at..]);
            }
        }

        packet[4] = (byte)(at - 5);
        packet[1] = (byte)(at - 2);
        output.Advance(at);
    }

    // The return codes of a 3.1.1 CONNACK (MQTT 3.1.1 §3.2.2.3).
    private static byte ToReturnCode(MqttReason reason) =>
        reason switch
        {
            MqttReason.Success => 0,
            MqttReason.UnsupportedProtocolVersion => 1,
            MqttReason.ClientIdentifierNotValid => 2,
            MqttReason.ServerUnavailable => 3,
            MqttReason.BadUserNameOrPassword => 4,
            _ => 5,
        };

    private static int WriteProperty(Span<byte> packet, int at, byte id, uint value, int bytes)
    {
        packet[at++] = id;
        for (var shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
            packet[at++] = (byte)(value >> shift);
        return at;
    }
}
