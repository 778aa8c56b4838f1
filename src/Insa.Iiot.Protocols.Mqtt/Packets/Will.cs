namespace Insa.Iiot.Protocols.Mqtt.Packets;

/// <summary>The message that is published for a client whose connection ends without a DISCONNECT (MQTT 5 §3.1.2.5).</summary>
internal sealed record Will(string Topic, byte[] Payload, int QoS, bool Retain);
