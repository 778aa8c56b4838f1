namespace Insa.Iiot.Protocols.Mqtt.Packets;

/// <summary>Of the properties of an MQTT 5 packet (§2.2.2), the few that the endpoint acts on.</summary>
internal readonly ref struct MqttProperties
{
    public ReadOnlySpan<byte> ContentType { get; private init; }

    /// <summary>Whether there is a user property <c>status</c> of <c>failed</c>.</summary>
    public bool IsFailed { get; private init; }

    /// <summary>The topic alias, or -1 if there is none.</summary>
    public int TopicAlias { get; private init; }

    public bool HasAuthentication { get; private init; }

    /// <summary>In seconds; 0 if there is none.</summary>
    public uint SessionExpiry { get; private init; }

    /// <summary>65,535 if there is none.</summary>
    public ushort ReceiveMaximum { get; private init; }

    /// <summary>The largest unsigned number if there is none.</summary>
    public uint MaximumPacketBytes { get; private init; }

    /// <returns><see langword="false"/> if a property is unknown, stands twice or is malformed.</returns>
    public static bool TryRead(ReadOnlySpan<byte> block, out MqttProperties properties)
    {
        properties = default;
        ReadOnlySpan<byte> contentType = default;
        var alias = -1;
        var hasAuthentication = false;
        uint sessionExpiry = 0;
        var receiveMaximum = ushort.MaxValue;
        var maximumPacketBytes = uint.MaxValue;
        var isFailed = false;
        ulong seen = 0;
        var reader = new MqttReader(block);
        while (!reader.Rest.IsEmpty)
        {
            if (!reader.TryReadVariable(out var id) || id >= 64)
                return false;

            // §2.2.2.2: all but the user property and a publication's subscription identifiers stand once.
            if (id is not (0x26 or 0x0B) && (seen & (1UL << id)) != 0)
                return false;
            seen |= 1UL << id;
            bool isValid;
            switch (id)
            {
                case 0x01 or 0x17 or 0x19: // payload format indicator, request problem information, request response information
                    isValid = reader.TryReadByte(out var flag) && flag <= 1;
                    break;
                case 0x02 or 0x18: // message expiry, will delay
                    isValid = reader.TryTake(sizeof(uint), out _);
                    break;
                case 0x11: // session expiry
                    isValid = reader.TryReadUInt32(out sessionExpiry);
                    break;
                case 0x27: // maximum packet size
                    isValid = reader.TryReadUInt32(out maximumPacketBytes) && maximumPacketBytes > 0;
                    break;
                case 0x03: // content type
                    isValid = reader.TryReadText(out contentType);
                    break;
                case 0x08 or 0x12 or 0x1A or 0x1C or 0x1F: // response topic and other texts
                    isValid = reader.TryReadText(out _);
                    break;
                case 0x15: // authentication method
                    isValid = hasAuthentication = reader.TryReadText(out _);
                    break;
                case 0x09 or 0x16: // correlation data, authentication data
                    isValid = reader.TryReadBinary(out _);
                    break;
                case 0x0B: // subscription identifier
                    isValid = reader.TryReadVariable(out var subscription) && subscription > 0;
                    break;
                case 0x21: // receive maximum
                    isValid = reader.TryReadUInt16(out receiveMaximum) && receiveMaximum > 0;
                    break;
                case 0x22: // topic alias maximum
                    isValid = reader.TryReadUInt16(out _);
                    break;
                case 0x23: // topic alias
                    isValid = reader.TryReadUInt16(out var value);
                    alias = value;
                    break;
                case 0x26: // user property
                    isValid = reader.TryReadText(out var name) & reader.TryReadText(out var text);
                    isFailed |= name.SequenceEqual("status"u8) && text.SequenceEqual("failed"u8);
                    break;
                default:
                    return false;
            }

            if (!isValid)
                return false;
        }

        properties = new MqttProperties
        {
            ContentType = contentType,
            IsFailed = isFailed,
            TopicAlias = alias,
            HasAuthentication = hasAuthentication,
            SessionExpiry = sessionExpiry,
            ReceiveMaximum = receiveMaximum,
            MaximumPacketBytes = maximumPacketBytes,
        };
        return true;
    }
}
