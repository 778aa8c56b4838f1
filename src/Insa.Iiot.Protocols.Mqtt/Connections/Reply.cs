using Insa.Iiot.Protocols.Mqtt.Packets;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

/// <summary>What is to be sent, in the order of what was received; an acknowledgement waits for its receipt's commit.</summary>
/// <param name="Type">The packet to send.</param>
/// <param name="Id">The packet identifier, if it has one.</param>
/// <param name="Reason">Its reason code, unless the receipt says otherwise.</param>
/// <param name="Receipt">The receipt to wait for.</param>
/// <param name="Codes">The reason codes of a SUBACK or UNSUBACK.</param>
/// <param name="IsCounted">Whether a message of the client's is in flight until this is sent.</param>
internal readonly record struct Reply(
    MqttPacketType Type,
    ushort Id,
    MqttReason Reason,
    IngestReceipt Receipt,
    byte[]? Codes = null,
    bool IsCounted = false
)
{
    public static Reply Of(MqttPacketType type, ushort id = 0, MqttReason reason = MqttReason.Success, byte[]? codes = null) =>
        new(type, id, reason, default, codes);
}
