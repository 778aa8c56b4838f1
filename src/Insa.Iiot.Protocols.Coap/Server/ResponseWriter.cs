using System.Security.Cryptography;
using System.Text;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>Writes a handler's answer, or the part of it that is asked for (RFC 7959 §2.4).</summary>
internal static class ResponseWriter
{
    private const int ETagLength = 8;

    // What a message has beside the body and the token, as a rule; see Write for the rest.
    private const int MessageOverhead = 96;

    /// <summary>The most bytes of a body that are sent in one message.</summary>
    public static int MaxPartBytesOf(in PeerAddress peer, int maxMessageBytes, int tokenLength) =>
        peer.IsConnection ? Math.Max(maxMessageBytes - MessageOverhead - tokenLength, 16) : CoapBlock.SizeOf(CoapBlock.LargestExponent);

    /// <summary>The longest body that is sent in one message, without being a part.</summary>
    /// <param name="part">What was asked for.</param>
    /// <param name="maxPartBytes">See <see cref="MaxPartBytesOf"/>.</param>
    public static int WholeSizeOf(CoapBlock? part, int maxPartBytes) =>
        part is { } asked ? SizeOf(ExponentOf(asked.SizeExponent, maxPartBytes), maxPartBytes) : maxPartBytes;

    /// <summary>Gives an answer that is fetched in parts an ETag, by which a client sees that they are of one body (RFC 7959 §2.4).</summary>
    public static CoapResponse Prepare(CoapResponse response, CoapBlock? part, int maxPartBytes)
    {
        if (response.Payload.Length <= WholeSizeOf(part, maxPartBytes) || !response.ETag.IsEmpty)
            return response;
        return new CoapResponse(response.Code)
        {
            Payload = response.Payload,
            ContentFormat = response.ContentFormat,
            ETag = SHA256.HashData(response.Payload.Span).AsMemory(0, ETagLength),
            MaxAge = response.MaxAge,
            LocationPath = response.LocationPath,
            LocationQuery = response.LocationQuery,
            IsNoNews = response.IsNoNews,
        };
    }

    /// <returns>The length of the datagram; 0 if there is no such part, or no room for the options.</returns>
    public static int Write(
        Span<byte> buffer,
        CoapHeader header,
        ReadOnlySpan<byte> token,
        CoapResponse response,
        CoapBlock? part,
        CoapBlock? block1,
        uint? sequence,
        int maxPartBytes,
        bool takesSeveralBlocks
    )
    {
        var payload = response.Payload.Span;
        var largest = takesSeveralBlocks ? CoapBlock.SeveralExponent : CoapBlock.LargestExponent;
        var exponent = ExponentOf(part?.SizeExponent ?? largest, maxPartBytes);
        var size = SizeOf(exponent, maxPartBytes);
        var block = new CoapBlock((int)((part?.Offset ?? 0) / CoapBlock.SizeOf(exponent)), false, exponent);
        var isPart = payload.Length > WholeSizeOf(part, maxPartBytes) || block.Number > 0;
        if (block.Offset > payload.Length || (block.Number > 0 && block.Offset == payload.Length))
            return 0;
        block = block with { HasMore = block.Offset + size < payload.Length };

        var writer = new CoapMessageWriter(buffer);
        writer.WriteHeader(header, token);
        if (!response.ETag.IsEmpty)
            writer.WriteOption(CoapOptionNumber.ETag, response.ETag.Span);
        if (sequence is { } number)
            writer.WriteOption(CoapOptionNumber.Observe, number);
        foreach (var segment in response.LocationPath)
            writer.WriteOption(CoapOptionNumber.LocationPath, Encoding.UTF8.GetBytes(segment));
        if (response.ContentFormat is { } format)
            writer.WriteOption(CoapOptionNumber.ContentFormat, (uint)format);
        if (response.MaxAge is { } age)
            writer.WriteOption(CoapOptionNumber.MaxAge, (uint)Math.Ceiling(age.TotalSeconds));
        foreach (var argument in response.LocationQuery)
            writer.WriteOption(CoapOptionNumber.LocationQuery, Encoding.UTF8.GetBytes(argument));
        if (isPart)
            writer.WriteOption(CoapOptionNumber.Block2, block.Value);
        if (block1 is { } last)
            writer.WriteOption(CoapOptionNumber.Block1, last.Value);
        if (isPart && block.Number == 0)
            writer.WriteOption(CoapOptionNumber.Size2, (uint)payload.Length);
        writer.WritePayload(isPart ? payload.Slice((int)block.Offset, Math.Min(size, payload.Length - (int)block.Offset)) : payload);
        return writer.IsTruncated ? 0 : writer.Length;
    }

    // What was asked for, if it has room; else the largest that has. Several blocks in one message are for those who take two at least.
    private static int ExponentOf(int asked, int maxPartBytes) =>
        Math.Min(asked, Math.Min(int.Log2(maxPartBytes) - 4, CoapBlock.SeveralExponent));

    private static int SizeOf(int exponent, int maxPartBytes)
    {
        var size = CoapBlock.SizeOf(exponent);
        return exponent == CoapBlock.SeveralExponent ? maxPartBytes / size * size : size;
    }
}
