namespace Insa.Iiot.Protocols.Coap.Messages;

/// <summary>The value of a Block option: which part of a body (RFC 7959 §2.2).</summary>
/// <param name="Number">The part's number, from 0.</param>
/// <param name="HasMore">Whether more parts follow.</param>
/// <param name="SizeExponent">The size's exponent, 0 to 6; over a connection also <see cref="SeveralExponent"/>.</param>
internal readonly record struct CoapBlock(int Number, bool HasMore, int SizeExponent)
{
    public const int LargestExponent = 6;

    /// <summary>Says that a message may have several blocks of 1,024 bytes (BERT, RFC 8323 §6).</summary>
    public const int SeveralExponent = 7;

    public const int MaxNumber = (1 << 20) - 1;

    /// <summary>The size of a part, 16 to 1,024 bytes.</summary>
    public int Size => SizeOf(SizeExponent);

    /// <summary>Where the part begins in its body, in bytes.</summary>
    public long Offset => (long)Number * Size;

    /// <summary>Whether a message may have several.</summary>
    public bool IsSeveral => SizeExponent == SeveralExponent;

    public uint Value => ((uint)Number << 4) | (HasMore ? 8u : 0) | (uint)SizeExponent;

    public static int SizeOf(int exponent) => 1 << (Math.Min(exponent, LargestExponent) + 4);

    /// <summary>Whether this is how many bytes a message with this block has: all of it if others follow, or several if it may have them.</summary>
    public bool Fits(int payloadLength)
    {
        if (IsSeveral)
            return !HasMore || (payloadLength > 0 && payloadLength % Size == 0);
        return HasMore ? payloadLength == Size : payloadLength <= Size;
    }

    /// <returns><see langword="false"/> for the exponent 7, unless it is allowed (RFC 7959 §2.2, RFC 8323 §6).</returns>
    public static bool TryRead(uint value, out CoapBlock block, bool allowsSeveral = false)
    {
        block = new CoapBlock((int)(value >> 4), (value & 8) != 0, (int)(value & 7));
        return (block.SizeExponent <= LargestExponent || allowsSeveral) && block.Number <= MaxNumber;
    }
}
