namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>The value of the OSCORE option: the compressed COSE header (RFC 8613 §6.1).</summary>
internal readonly ref struct OscoreOption
{
    public const int MaxPartialIvBytes = 5;

    private const int KidFlag = 0x08;
    private const int KidContextFlag = 0x10;
    private const int ReservedFlags = 0xE0;

    /// <summary>Empty if there is none; else 1 to 5 bytes without leading zeros.</summary>
    public ReadOnlySpan<byte> PartialIv { get; init; }

    public ReadOnlySpan<byte> Kid { get; init; }

    public ReadOnlySpan<byte> KidContext { get; init; }

    /// <summary>A key id may be empty and yet be there.</summary>
    public bool HasKid { get; init; }

    public bool HasKidContext { get; init; }

    public int Length =>
        PartialIv.IsEmpty && !HasKid && !HasKidContext
            ? 0
            : 1 + PartialIv.Length + (HasKidContext ? 1 + KidContext.Length : 0) + (HasKid ? Kid.Length : 0);

    /// <returns><see langword="false"/> if the value is malformed: 4.02 for a request (RFC 8613 §8.2).</returns>
    public static bool TryRead(ReadOnlySpan<byte> value, out OscoreOption option)
    {
        option = default;
        if (value.IsEmpty)
            return true;
        var flags = value[0];
        var ivLength = flags & 7;

        // RFC 8613 §6.1: all flags unset is written as an empty value, and the lengths 6 and 7 are reserved.
        if (flags == 0 || (flags & ReservedFlags) != 0 || ivLength > MaxPartialIvBytes || ivLength > value.Length - 1)
            return false;
        var iv = value.Slice(1, ivLength);
        if (ivLength > 1 && iv[0] == 0)
            return false;
        var rest = value[(1 + ivLength)..];
        var context = ReadOnlySpan<byte>.Empty;
        var hasContext = (flags & KidContextFlag) != 0;
        if (hasContext)
        {
            if (rest.IsEmpty || rest[0] > rest.Length - 1)
                return false;
            context = rest.Slice(1, rest[0]);
            rest = rest[(1 + rest[0])..];
        }

        var hasKid = (flags & KidFlag) != 0;
        if (!hasKid && !rest.IsEmpty)
            return false;
        option = new OscoreOption
        {
            PartialIv = iv,
            KidContext = context,
            HasKidContext = hasContext,
            Kid = rest,
            HasKid = hasKid,
        };
        return true;
    }

    /// <summary>Writes it into <see cref="Length"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        if (Length == 0)
            return;
        destination[0] = (byte)(PartialIv.Length | (HasKid ? KidFlag : 0) | (HasKidContext ? KidContextFlag : 0));
        PartialIv.CopyTo(destination[1..]);
        var rest = destination[(1 + PartialIv.Length)..];
        if (HasKidContext)
        {
            rest[0] = (byte)KidContext.Length;
            KidContext.CopyTo(rest[1..]);
            rest = rest[(1 + KidContext.Length)..];
        }

        if (HasKid)
            Kid.CopyTo(rest);
    }
}
