using System.Buffers.Binary;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>The messages that a server sends outside of channels (Part 6 §7.1.2.4, §7.1.2.5).</summary>
internal static class TransportMessages
{
    public const int AcknowledgeBytes = 28;
    public const int ErrorBytes = 16;

    public static void WriteAcknowledge(Span<byte> bytes, uint receiveBytes, uint sendBytes, uint maxMessageBytes, uint maxChunks)
    {
        new ChunkHeader(MessageType.Acknowledge, ChunkKind.Final, AcknowledgeBytes).Write(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], receiveBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[16..], sendBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[20..], maxMessageBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[24..], maxChunks);
    }

    /// <summary>An error without a reason in words: those would be for our log alone.</summary>
    public static void WriteError(Span<byte> bytes, StatusCode error)
    {
        new ChunkHeader(MessageType.Error, ChunkKind.Final, ErrorBytes).Write(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], error.Value);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], -1);
    }
}
