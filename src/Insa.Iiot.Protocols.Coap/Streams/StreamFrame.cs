using System.Buffers;
using System.Buffers.Binary;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>Where a message begins and ends in a stream (RFC 8323 §3.2): length and token's length, longer lengths, code; the rest is as in a datagram.</summary>
/// <param name="Code">The code.</param>
/// <param name="TokenNibble">The nibble that says how long the token is.</param>
/// <param name="HeaderLength">The bytes up to and with the code.</param>
/// <param name="Length">All bytes of the message.</param>
internal readonly record struct StreamFrame(CoapCode Code, int TokenNibble, int HeaderLength, int Length)
{
    /// <summary>The longest header: a length of four bytes more.</summary>
    public const int MaxHeaderLength = 6;

    /// <summary>The longest token that is taken (RFC 8974 §2.2.1): with it, an answer still fits wherever one is written.</summary>
    public const int MaxTokenLength = 1024;

    private const int MaxPrefixLength = MaxHeaderLength + 2; // with the bytes that extend a token's length

    private const int OneByteFrom = 13;
    private const int TwoBytesFrom = 269;
    private const int FourBytesFrom = 65_805;

    /// <summary>Measures the message at the start of a stream.</summary>
    /// <param name="stream">What has come.</param>
    /// <param name="maxLength">The longest message that is taken.</param>
    /// <param name="frame">The message, if it is complete.</param>
    public static StreamFrameResult TryRead(in ReadOnlySequence<byte> stream, int maxLength, out StreamFrame frame)
    {
        var first = stream.FirstSpan;
        if (first.Length >= MaxPrefixLength || first.Length == stream.Length)
            return TryRead(first, stream.Length, maxLength, out frame);
        Span<byte> prefix = stackalloc byte[MaxPrefixLength];
        var taken = (int)Math.Min(stream.Length, MaxPrefixLength);
        stream.Slice(0, taken).CopyTo(prefix);
        return TryRead(prefix[..taken], stream.Length, maxLength, out frame);
    }

    /// <summary>Writes the header of a message.</summary>
    /// <param name="destination">Takes up to <see cref="MaxHeaderLength"/> bytes.</param>
    /// <param name="code">The code.</param>
    /// <param name="tokenNibble">The nibble that says how long the token is.</param>
    /// <param name="contentLength">The bytes of the options and the payload.</param>
    /// <returns>How many bytes it takes.</returns>
    public static int WriteHeader(Span<byte> destination, CoapCode code, int tokenNibble, int contentLength)
    {
        var length = 1;
        switch (contentLength)
        {
            case < OneByteFrom:
                destination[0] = (byte)((contentLength << 4) | tokenNibble);
                break;
            case < TwoBytesFrom:
                destination[0] = (byte)(0xD0 | tokenNibble);
                destination[length++] = (byte)(contentLength - OneByteFrom);
                break;
            case < FourBytesFrom:
                destination[0] = (byte)(0xE0 | tokenNibble);
                BinaryPrimitives.WriteUInt16BigEndian(destination[length..], (ushort)(contentLength - TwoBytesFrom));
                length += sizeof(ushort);
                break;
            default:
                destination[0] = (byte)(0xF0 | tokenNibble);
                BinaryPrimitives.WriteUInt32BigEndian(destination[length..], (uint)(contentLength - FourBytesFrom));
                length += sizeof(uint);
                break;
        }

        destination[length++] = code.Value;
        return length;
    }

    /// <summary>Writes the header for what is written as a datagram: from the token on, both are the same.</summary>
    /// <param name="destination">Takes up to <see cref="MaxHeaderLength"/> bytes.</param>
    /// <param name="datagram">A whole message with its datagram's header.</param>
    /// <returns>How many bytes it takes; the datagram's from <see cref="CoapHeader.Length"/> on follow.</returns>
    public static int WriteHeader(Span<byte> destination, ReadOnlySpan<byte> datagram)
    {
        var nibble = datagram[0] & 0x0F;
        var rest = datagram[CoapHeader.Length..];
        TryReadTokenLength(nibble, rest, out var extension, out var token);
        return WriteHeader(destination, new CoapCode(datagram[1]), nibble, rest.Length - extension - token);
    }

    private static StreamFrameResult TryRead(ReadOnlySpan<byte> start, long available, int maxLength, out StreamFrame frame)
    {
        frame = default;
        if (start.IsEmpty)
            return StreamFrameResult.Incomplete;
        var extended = (start[0] >> 4) switch
        {
            13 => 1,
            14 => 2,
            15 => 4,
            _ => 0,
        };
        var header = 1 + extended + 1;
        if (start.Length < header)
            return StreamFrameResult.Incomplete;
        long content = extended switch
        {
            1 => start[1] + OneByteFrom,
            2 => BinaryPrimitives.ReadUInt16BigEndian(start[1..]) + TwoBytesFrom,
            4 => (long)BinaryPrimitives.ReadUInt32BigEndian(start[1..]) + FourBytesFrom,
            _ => start[0] >> 4,
        };

        // Before any more of it is waited for.
        if (header + content > maxLength)
            return StreamFrameResult.TooLarge;
        var nibble = start[0] & 0x0F;
        if (nibble == 15)
            return StreamFrameResult.Malformed;
        if (!TryReadTokenLength(nibble, start[header..], out var extension, out var token))
            return StreamFrameResult.Incomplete;
        if (token > MaxTokenLength)
            return StreamFrameResult.Malformed;
        var length = header + extension + token + content;
        if (length > maxLength)
            return StreamFrameResult.TooLarge;
        if (length > available)
            return StreamFrameResult.Incomplete;
        frame = new StreamFrame(new CoapCode(start[header - 1]), nibble, header, (int)length);
        return StreamFrameResult.Complete;
    }

    /// <summary>Reads how long a token is (RFC 8974 §2.1).</summary>
    /// <returns><see langword="false"/> if the bytes that say it are not all there.</returns>
    public static bool TryReadTokenLength(int nibble, ReadOnlySpan<byte> rest, out int extension, out int length)
    {
        var token = rest;
        var isThere = CoapMessage.TryReadExtended(nibble, ref token, out length);
        extension = rest.Length - token.Length;
        return isThere;
    }
}
