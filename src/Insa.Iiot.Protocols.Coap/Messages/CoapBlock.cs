namespace Insa.Iiot.Protocols.Coap.Messages;

/// <summary>The value of a Block option: which part of a body (RFC 7959 §2.2).</summary>
/// <param name="Number">The part's number, from 0.</param>
/// <param name="HasMore">Whether more parts follow.</param>
/// <param name="SizeExponent">The size's exponent, 0 to 6.</param>
internal readonly record struct CoapBlock(int Number, bool HasMore, int SizeExponent)
{
    public const int LargestExponent = 6;
    public const int MaxNumber = (1 << 20) - 1;

    /// <summary>The size of a part, 16 to 1,024 bytes.</summary>
    public int Size => 1 << (SizeExponent + 4);

    /// <summary>Where the part begins in its body, in bytes.</summary>
    public long Offset => (long)Number << (SizeExponent + 4);

    public uint Value => ((uint)Number << 4) | (HasMore ? 8u : 0) | (uint)SizeExponent;

    /// <returns><see langword="false"/> for the reserved exponent 7 (RFC 7959 §2.2).</returns>
    public static bool TryRead(uint value, out CoapBlock block)
    {
        block = new CoapBlock((int)(value >> 4), (value & 8) != 0, (int)(value & 7));
        return block.SizeExponent <= LargestExponent && block.Number <= MaxNumber;
    }
}
