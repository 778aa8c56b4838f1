using System.Buffers;

namespace Insa.Iiot.Protocols.Mqtt.Packets;

/// <summary>The fixed header of a packet (MQTT 5 §2.1).</summary>
/// <param name="First">Type and flags.</param>
/// <param name="HeaderLength">The bytes of the fixed header, 2 to 5.</param>
/// <param name="BodyLength">The bytes behind it.</param>
internal readonly record struct MqttFrame(byte First, int HeaderLength, int BodyLength)
{
    private const int MaxHeaderLength = 5;

    public MqttPacketType Type => (MqttPacketType)(First >> 4);

    public int Flags => First & 0x0F;

    public int Length => HeaderLength + BodyLength;

    /// <summary>Looks for a packet at the head of what has come.</summary>
    public static FrameResult TryRead(in ReadOnlySequence<byte> buffer, int maxPacketBytes, out MqttFrame frame)
    {
        if (buffer.FirstSpan.Length >= MaxHeaderLength || buffer.IsSingleSegment)
            return TryRead(buffer.FirstSpan, buffer.Length, maxPacketBytes, out frame);

        Span<byte> head = stackalloc byte[MaxHeaderLength];
        var length = (int)Math.Min(head.Length, buffer.Length);
        buffer.Slice(0, length).CopyTo(head);
        return TryRead(head[..length], buffer.Length, maxPacketBytes, out frame);
    }

    private static FrameResult TryRead(ReadOnlySpan<byte> head, long available, int maxPacketBytes, out MqttFrame frame)
    {
        frame = default;
        var bodyLength = 0;
        for (var i = 1; i < MaxHeaderLength; i++)
        {
            if (i >= head.Length)
                return FrameResult.Incomplete;
            bodyLength |= (head[i] & 0x7F) << (7 * (i - 1));
            if ((head[i] & 0x80) != 0)
                continue;
            frame = new MqttFrame(head[0], i + 1, bodyLength);
            if (frame.Length > maxPacketBytes)
                return FrameResult.TooLarge;
            return available >= frame.Length ? FrameResult.Complete : FrameResult.Incomplete;
        }

        return FrameResult.Malformed;
    }
}
