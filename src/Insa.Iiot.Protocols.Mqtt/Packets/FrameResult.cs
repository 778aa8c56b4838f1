namespace Insa.Iiot.Protocols.Mqtt.Packets;

/// <summary>What was found at the head of a buffer.</summary>
internal enum FrameResult
{
    /// <summary>A whole packet.</summary>
    Complete,

    /// <summary>The beginning of one.</summary>
    Incomplete,

    /// <summary>No packet: the remaining length has more than four bytes (MQTT 5 §1.5.5).</summary>
    Malformed,

    /// <summary>A packet larger than allowed; found from its header, before any of it is kept.</summary>
    TooLarge,
}
