using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>The twenty bytes at the head of a message of frames.</summary>
/// <param name="LayoutCount">How many layouts the first table has.</param>
/// <param name="DeviceCount">How many devices the second table has.</param>
/// <param name="FrameCount">How many frames follow.</param>
/// <param name="ArrivalMicroseconds">When the host that wrote the message had its frames, in microseconds since 1970.</param>
internal readonly record struct FrameHeader(ushort LayoutCount, ushort DeviceCount, ushort FrameCount, long ArrivalMicroseconds)
{
    public const int Length = 20;

    private const byte Version = 1;

    private static ReadOnlySpan<byte> Magic => "IIFR"u8;

    /// <summary>When the host had the frames, or <see langword="null"/> if that is no time.</summary>
    public DateTime? ArrivedAt =>
        FrameFormat.TryToTicks(ArrivalMicroseconds, out var ticks) && ticks > 0 ? new DateTime(ticks, DateTimeKind.Utc) : null;

    /// <returns><see langword="false"/> if this is no message of frames, or of a version that is not known.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, out FrameHeader header)
    {
        header = default;
        if (message.Length < Length || !message.StartsWith(Magic) || message[4] != Version || message[5] != 0)
            return false;
        header = new FrameHeader(
            BinaryPrimitives.ReadUInt16LittleEndian(message[6..]),
            BinaryPrimitives.ReadUInt16LittleEndian(message[8..]),
            BinaryPrimitives.ReadUInt16LittleEndian(message[10..]),
            BinaryPrimitives.ReadInt64LittleEndian(message[12..])
        );
        return true;
    }

    public void Write(Span<byte> message)
    {
        Magic.CopyTo(message);
        message[4] = Version;
        message[5] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(message[6..], LayoutCount);
        BinaryPrimitives.WriteUInt16LittleEndian(message[8..], DeviceCount);
        BinaryPrimitives.WriteUInt16LittleEndian(message[10..], FrameCount);
        BinaryPrimitives.WriteInt64LittleEndian(message[12..], ArrivalMicroseconds);
    }
}
