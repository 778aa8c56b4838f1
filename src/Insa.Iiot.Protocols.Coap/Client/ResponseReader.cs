using System.Diagnostics.CodeAnalysis;
using System.Text;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>Makes a response of its own out of a message in its buffer.</summary>
internal static class ResponseReader
{
    /// <returns>
    /// <see langword="false"/> for a response that has to be rejected: it holds a critical option that is unknown, given twice, of a length
    /// that is not allowed, or not one of responses (RFC 7252 §5.4).
    /// </returns>
    /// <param name="message">The message.</param>
    /// <param name="receivedAt">When it came.</param>
    /// <param name="isOfConnection">Whether it came over a connection: then a block may be of several KiB (RFC 8323 §6).</param>
    /// <param name="response">The response.</param>
    public static bool TryRead(
        in CoapMessage message,
        long receivedAt,
        bool isOfConnection,
        [NotNullWhen(true)] out ReceivedResponse? response
    )
    {
        response = null;
        int? contentFormat = null;
        ReadOnlyMemory<byte> etag = default;
        ReadOnlyMemory<byte> echo = default;
        uint? maxAge = null;
        uint? observe = null;
        uint? size2 = null;
        CoapBlock? block1 = null;
        CoapBlock? block2 = null;
        List<string>? path = null;
        List<string>? query = null;
        var reader = new CoapOptionReader(message.Options);
        while (reader.Read())
        {
            var length = reader.Value.Length;
            switch (reader.Number)
            {
                case CoapOptionNumber.ETag when length is >= 1 and <= 8 && etag.IsEmpty:
                    etag = reader.Value.ToArray();
                    break;
                case CoapOptionNumber.Observe when length <= 3:
                    observe ??= reader.UInt;
                    break;
                case CoapOptionNumber.LocationPath when length <= RequestPath.MaxPartBytes:
                    (path ??= []).Add(Encoding.UTF8.GetString(reader.Value));
                    break;
                case CoapOptionNumber.ContentFormat when length <= 2:
                    contentFormat ??= (int)reader.UInt;
                    break;
                case CoapOptionNumber.MaxAge when length <= 4:
                    maxAge ??= reader.UInt;
                    break;
                case CoapOptionNumber.LocationQuery when length <= RequestPath.MaxPartBytes:
                    (query ??= []).Add(Encoding.UTF8.GetString(reader.Value));
                    break;
                case CoapOptionNumber.Block2
                    when length <= 3 && block2 is null && CoapBlock.TryRead(reader.UInt, out var block, isOfConnection):
                    block2 = block;
                    break;
                case CoapOptionNumber.Block1
                    when length <= 3 && block1 is null && CoapBlock.TryRead(reader.UInt, out var block, isOfConnection):
                    block1 = block;
                    break;
                case CoapOptionNumber.Size2 when length <= 4:
                    size2 ??= reader.UInt;
                    break;
                case CoapOptionNumber.Echo when length is >= 1 and <= 40 && echo.IsEmpty:
                    echo = reader.Value.ToArray();
                    break;
                case var number when (number & 1) != 0:
                    return false;
            }
        }

        response = new ReceivedResponse
        {
            Response = new CoapResponse(message.Code)
            {
                Payload = message.Payload.ToArray(),
                ContentFormat = contentFormat,
                ETag = etag,
                MaxAge = maxAge is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                LocationPath = path ?? [],
                LocationQuery = query ?? [],
            },
            Observe = observe,
            Block1 = block1,
            Block2 = block2,
            Size2 = size2,
            Echo = echo,
            ReceivedAt = receivedAt,
        };
        return true;
    }
}
