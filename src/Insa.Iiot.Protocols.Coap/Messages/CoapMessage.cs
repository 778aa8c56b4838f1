using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.Coap.Messages;

/// <summary>A message as it lies in its buffer. What was read without an error can be gone through without another check.</summary>
internal readonly ref struct CoapMessage
{
    private CoapMessage(CoapCode code, ReadOnlySpan<byte> token, ReadOnlySpan<byte> options, ReadOnlySpan<byte> payload)
    {
        Code = code;
        Token = token;
        Options = options;
        Payload = payload;
    }

    public CoapCode Code { get; }

    public ReadOnlySpan<byte> Token { get; }

    /// <summary>The options as they were encoded; see <see cref="CoapOptionReader"/>.</summary>
    public ReadOnlySpan<byte> Options { get; }

    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>Reads what follows the header of a datagram.</summary>
    /// <returns><see langword="false"/> for a message format error (RFC 7252 §3).</returns>
    public static bool TryRead(ReadOnlySpan<byte> datagram, CoapCode code, out CoapMessage message) =>
        TryRead(code, datagram[0] & 0x0F, datagram[CoapHeader.Length..], out message);

    /// <summary>Reads what follows the code: the token, the options and the payload.</summary>
    /// <param name="code">The code.</param>
    /// <param name="tokenNibble">The nibble that says how long the token is.</param>
    /// <param name="rest">All that follows.</param>
    /// <param name="message">The message.</param>
    /// <returns><see langword="false"/> for a message format error.</returns>
    public static bool TryRead(CoapCode code, int tokenNibble, ReadOnlySpan<byte> rest, out CoapMessage message)
    {
        message = default;
        if (!TryReadExtended(tokenNibble, ref rest, out var tokenLength) || tokenLength > rest.Length)
            return false;
        var token = rest[..tokenLength];
        rest = rest[tokenLength..];

        // An empty message is four bytes and nothing else (RFC 7252 §4.1).
        if (code.Value == 0 && (tokenNibble != 0 || !rest.IsEmpty))
            return false;
        if (!CoapOptionReader.TryMeasure(rest, out var optionsLength))
            return false;
        var options = rest[..optionsLength];
        rest = rest[optionsLength..];

        // A marker without a payload is a format error (RFC 7252 §3).
        if (rest.Length == 1)
            return false;
        message = new CoapMessage(code, token, options, rest.IsEmpty ? rest : rest[1..]);
        return true;
    }

    // RFC 8974 §2.1: up to 12 it is the length, 13 and 14 are followed by one and two bytes of it.
    public static bool TryReadExtended(int nibble, ref ReadOnlySpan<byte> rest, out int length)
    {
        length = nibble;
        switch (nibble)
        {
            case < 13:
                return true;
            case 13 when rest.Length >= 1:
                length = rest[0] + 13;
                rest = rest[1..];
                return true;
            case 14 when rest.Length >= 2:
                length = BinaryPrimitives.ReadUInt16BigEndian(rest) + 269;
                rest = rest[2..];
                return true;
            default:
                return false;
        }
    }
}
