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

    /// <summary>The return code of a 3.1.1 CONNACK (MQTT 3.1.1 §3.2.2.3).</summary>
    public static byte ToReturnCode(MqttReason reason) =>
        reason switch
        {
            MqttReason.Success => 0,
            MqttReason.UnsupportedProtocolVersion => 1,
            MqttReason.ClientIdentifierNotValid => 2,
            MqttReason.ServerUnavailable => 3,
            MqttReason.BadUserNameOrPassword => 4,
            _ => 5,
        };
}
