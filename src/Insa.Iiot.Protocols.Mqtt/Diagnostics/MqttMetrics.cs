using System.Diagnostics.Metrics;
using Insa.Iiot.Protocols.Mqtt.Packets;

namespace Insa.Iiot.Protocols.Mqtt.Diagnostics;

/// <summary>The package's instruments. What becomes of messages, the ingestion pipeline counts.</summary>
internal sealed class MqttMetrics
{
    public const string MeterName = "Insa.Iiot.Protocols.Mqtt";
    public const string InternalError = "internal_error";
    public const string CommandTooLarge = "command_too_large";
    public const string CommandUnknown = "command_unknown";
    public const string CommandOver = "command_over";

    private readonly UpDownCounter<long> _connections;
    private readonly Counter<long> _refused;

    public MqttMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(MeterName);
        _connections = meter.CreateUpDownCounter<long>("insa.iiot.mqtt.connections", "{connection}", "Open connections.");
        _refused = meter.CreateCounter<long>("insa.iiot.mqtt.refusals", "{refusal}", "Connections and messages refused, by reason.");
    }

    public void Connected(int change) => _connections.Add(change);

    /// <param name="reason">From a fixed set: MQTT's reason names, <c>no_connect</c>, <c>connect_timeout</c>, <c>packet_too_large</c>, <c>too_many_connections</c>, <c>internal_error</c>, <c>command_too_large</c>, <c>command_unknown</c>, <c>command_over</c>.</param>
    public void Refused(string reason) => _refused.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public static string NameOf(MqttReason reason) =>
        reason switch
        {
            MqttReason.MalformedPacket => "malformed_packet",
            MqttReason.ProtocolError => "protocol_error",
            MqttReason.UnsupportedProtocolVersion => "unsupported_version",
            MqttReason.ClientIdentifierNotValid => "client_id_not_valid",
            MqttReason.BadUserNameOrPassword => "bad_credential",
            MqttReason.NotAuthorized => "not_authorized",
            MqttReason.ServerUnavailable => "server_unavailable",
            MqttReason.BadAuthenticationMethod => "bad_authentication_method",
            MqttReason.TopicNameInvalid => "topic_invalid",
            MqttReason.ReceiveMaximumExceeded => "receive_maximum_exceeded",
            MqttReason.TopicAliasInvalid => "topic_alias_invalid",
            MqttReason.PacketTooLarge => "packet_too_large",
            MqttReason.QuotaExceeded => "quota_exceeded",
            MqttReason.PayloadFormatInvalid => "payload_invalid",
            _ => "other",
        };
}
