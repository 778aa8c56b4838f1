namespace Insa.Iiot.Protocols.Mqtt.Packets;

/// <summary>A PUBLISH in place (MQTT 3.1.1 and 5, §3.3).</summary>
internal readonly ref struct PublishPacket
{
    public int QoS { get; private init; }

    public bool Retain { get; private init; }

    /// <summary>The packet identifier; 0 for QoS 0.</summary>
    public ushort Id { get; private init; }

    /// <summary>The topic in UTF-8; empty if an alias stands for it.</summary>
    public ReadOnlySpan<byte> Topic { get; private init; }

    /// <summary>The topic alias, or -1 if there is none.</summary>
    public int TopicAlias { get; private init; }

    public ReadOnlySpan<byte> ContentType { get; private init; }

    /// <summary>Whether a user property <c>status</c> says <c>failed</c>.</summary>
    public bool IsFailed { get; private init; }

    public ReadOnlySpan<byte> Payload { get; private init; }

    /// <returns><see cref="MqttReason.Success"/>, or why it is none.</returns>
    public static MqttReason TryRead(int flags, ReadOnlySpan<byte> body, byte version, out PublishPacket packet)
    {
        packet = default;
        var qos = (flags >> 1) & 3;
        var isDuplicate = (flags & 8) != 0;
        if (qos == 3 || (qos == 0 && isDuplicate))
            return MqttReason.MalformedPacket;

        var reader = new MqttReader(body);
        if (!reader.TryReadText(out var topic))
            return MqttReason.MalformedPacket;
        ushort id = 0;
        if (qos > 0 && (!reader.TryReadUInt16(out id) || id == 0))
            return MqttReason.MalformedPacket;
        var properties = default(MqttProperties);
        if (version == 5 && !(reader.TryReadProperties(out var block) && MqttProperties.TryRead(block, out properties)))
            return MqttReason.MalformedPacket;

        // §3.3.2.1: a topic name holds no wildcard, and only an alias may stand in its place.
        if (topic.ContainsAny((byte)'+', (byte)'#'))
            return MqttReason.TopicNameInvalid;
        var alias = version == 5 ? properties.TopicAlias : -1;
        if (topic.IsEmpty && alias < 0)
            return MqttReason.ProtocolError;

        packet = new PublishPacket
        {
            QoS = qos,
            Retain = (flags & 1) != 0,
            Id = id,
            Topic = topic,
            TopicAlias = alias,
            ContentType = properties.ContentType,
            IsFailed = properties.IsFailed,
            Payload = reader.Rest,
        };
        return MqttReason.Success;
    }
}
