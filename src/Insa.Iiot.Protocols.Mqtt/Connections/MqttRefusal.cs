using Insa.Iiot.Protocols.Mqtt.Packets;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

/// <summary>Says refusals in MQTT's terms.</summary>
internal static class MqttRefusal
{
    public static MqttReason ToReason(IngestReason reason) =>
        reason switch
        {
            IngestReason.None => MqttReason.Success,
            IngestReason.QuotaExceeded or IngestReason.RateLimited => MqttReason.QuotaExceeded,
            IngestReason.DeviceNotAllowed or IngestReason.TenantInactive => MqttReason.NotAuthorized,
            IngestReason.MessageTooLarge => MqttReason.PacketTooLarge,
            IngestReason.Unstorable => MqttReason.ImplementationSpecific,
            _ => MqttReason.PayloadFormatInvalid,
        };
}
