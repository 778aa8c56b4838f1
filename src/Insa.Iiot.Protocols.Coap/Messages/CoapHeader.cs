using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.Coap.Messages;

/// <summary>The four bytes at the head of every datagram (RFC 7252 §3).</summary>
internal readonly record struct CoapHeader(CoapType Type, CoapCode Code, ushort MessageId)
{
    public const int Length = 4;

    private const int Version = 1;

    /// <summary>Reads a header; the token's length nibble is for <see cref="CoapMessage"/> to judge.</summary>
    /// <returns><see langword="false"/> if it is too short or of another version: such a datagram is ignored (RFC 7252 §3).</returns>
    public static bool TryRead(ReadOnlySpan<byte> datagram, out CoapHeader header)
    {
        header = default;
        if (datagram.Length < Length || datagram[0] >> 6 != Version)
            return false;
        header = new CoapHeader(
            (CoapType)((datagram[0] >> 4) & 3),
            new CoapCode(datagram[1]),
            BinaryPrimitives.ReadUInt16BigEndian(datagram[2..])
        );
        return true;
    }

    /// <summary>Writes it, with the nibble that says how long the token is.</summary>
    public void Write(Span<byte> destination, int tokenNibble)
    {
        destination[0] = (byte)((Version << 6) | ((int)Type << 4) | tokenNibble);
        destination[1] = Code.Value;
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], MessageId);
    }
}
