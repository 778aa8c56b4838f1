using Insa.Iiot.Protocols.Mqtt.Packets;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

/// <summary>A PUBACK, PUBREC or PUBCOMP that is due, in the order of what was received; it waits for its receipt's commit.</summary>
/// <param name="Type">The packet to send.</param>
/// <param name="Id">The packet identifier.</param>
/// <param name="Reason">Its reason code, unless the receipt says otherwise.</param>
/// <param name="Receipt">The receipt to wait for.</param>
/// <param name="IsCounted">Whether a message of the client's is in flight until this is sent.</param>
internal readonly record struct Reply(
    MqttPacketType Type,
    ushort Id,
    MqttReason Reason = MqttReason.Success,
    IngestReceipt Receipt = default,
    bool IsCounted = false
);
