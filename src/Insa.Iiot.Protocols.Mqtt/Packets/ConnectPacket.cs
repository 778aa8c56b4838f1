using System.Text;

namespace Insa.Iiot.Protocols.Mqtt.Packets;

/// <summary>A CONNECT (MQTT 3.1.1 and 5, §3.1).</summary>
internal readonly ref struct ConnectPacket
{
    public byte Version { get; private init; }

    public bool CleanStart { get; private init; }

    public Will? Will { get; private init; }

    public bool HasAuthentication { get; private init; }

    public bool HasUserName { get; private init; }

    /// <summary>In seconds; a 3.1.1 session without the clean flag is kept for ever (MQTT 5 §3.1.2.11.2 says how the two compare).</summary>
    public uint SessionExpiry { get; private init; }

    /// <summary>What the client takes in flight.</summary>
    public ushort ReceiveMaximum { get; private init; }

    public uint MaximumPacketBytes { get; private init; }

    /// <summary>In seconds; 0 is none.</summary>
    public ushort KeepAlive { get; private init; }

    public ReadOnlySpan<byte> ClientId { get; private init; }

    public ReadOnlySpan<byte> UserName { get; private init; }

    public ReadOnlySpan<byte> Password { get; private init; }

    /// <returns><see cref="MqttReason.Success"/>, or why it is none.</returns>
    public static MqttReason TryRead(ReadOnlySpan<byte> body, out ConnectPacket packet)
    {
        packet = default;
        var reader = new MqttReader(body);
        if (!reader.TryReadText(out var protocol) || !reader.TryReadByte(out var version))
            return MqttReason.MalformedPacket;
        packet = new ConnectPacket { Version = version };
        if (!protocol.SequenceEqual("MQTT"u8) || version is not (4 or 5))
            return MqttReason.UnsupportedProtocolVersion;

        if (!reader.TryReadByte(out var flags) || !reader.TryReadUInt16(out var keepAlive))
            return MqttReason.MalformedPacket;
        var (hasUserName, hasPassword, hasWill) = ((flags & 0x80) != 0, (flags & 0x40) != 0, (flags & 0x04) != 0);

        // §3.1.2: the reserved flag is 0, there is no will QoS 3, and without a will there is neither QoS nor retain.
        if ((flags & 0x01) != 0 || (flags & 0x18) == 0x18 || (!hasWill && (flags & 0x38) != 0))
            return MqttReason.MalformedPacket;
        if (version == 4 && hasPassword && !hasUserName)
            return MqttReason.MalformedPacket;

        var properties = default(MqttProperties);
        if (version == 5 && !(reader.TryReadProperties(out var block) && MqttProperties.TryRead(block, out properties)))
            return MqttReason.MalformedPacket;
        if (!reader.TryReadText(out var clientId))
            return MqttReason.MalformedPacket;
        Will? will = null;
        if (hasWill && !TryReadWill(ref reader, version, flags, out will))
            return MqttReason.MalformedPacket;
        ReadOnlySpan<byte> userName = default;
        ReadOnlySpan<byte> password = default;
        if (
            (hasUserName && !reader.TryReadText(out userName))
            || (hasPassword && !reader.TryReadBinary(out password))
            || !reader.Rest.IsEmpty
        )
            return MqttReason.MalformedPacket;

        packet = new ConnectPacket
        {
            Version = version,
            CleanStart = (flags & 0x02) != 0,
            Will = will,
            SessionExpiry =
                version == 5 ? properties.SessionExpiry
                : (flags & 0x02) != 0 ? 0
                : uint.MaxValue,
            ReceiveMaximum = version == 5 ? properties.ReceiveMaximum : ushort.MaxValue,
            MaximumPacketBytes = version == 5 ? properties.MaximumPacketBytes : uint.MaxValue,
            HasAuthentication = properties.HasAuthentication,
            HasUserName = hasUserName,
            KeepAlive = keepAlive,
            ClientId = clientId,
            UserName = userName,
            Password = password,
        };
        return MqttReason.Success;
    }

    private static bool TryReadWill(ref MqttReader reader, byte version, int flags, out Will? will)
    {
        will = null;
        if (version == 5 && !(reader.TryReadProperties(out var block) && MqttProperties.TryRead(block, out _)))
            return false;
        if (
            !reader.TryReadText(out var topic)
            || topic.IsEmpty
            || topic.ContainsAny((byte)'+', (byte)'#')
            || !reader.TryReadBinary(out var payload)
        )
            return false;
        will = new Will(Encoding.UTF8.GetString(topic), payload.ToArray(), (flags >> 3) & 3, (flags & 0x20) != 0);
        return true;
    }
}
