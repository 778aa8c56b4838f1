using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>The eight bytes at the head of every message on the wire (Part 6 §7.1.2.2).</summary>
internal readonly record struct ChunkHeader(MessageType Type, ChunkKind Kind, uint Size)
{
    public const int Length = 8;

    /// <summary>With the ids of the channel and of its token before what is encrypted.</summary>
    public const int SymmetricLength = 16;

    /// <summary>The sequence number and the request's id, which are encrypted.</summary>
    public const int SequenceLength = 8;

    /// <summary>Before the body of a chunk of a message.</summary>
    public const int MessageLength = SymmetricLength + SequenceLength;

    private const uint TypeBits = 0xFF_FFFF;

    /// <returns>What the eight bytes say; whether any of it is allowed is for the caller to see.</returns>
    public static ChunkHeader Read(ReadOnlySpan<byte> bytes)
    {
        var word = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        return new ChunkHeader(
            (MessageType)(word & TypeBits),
            (ChunkKind)(word >> 24),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..])
        );
    }

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)Type | ((uint)Kind << 24));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], Size);
    }
}
