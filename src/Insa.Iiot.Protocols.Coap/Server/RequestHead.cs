using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Security;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>What a request's options say, read once and in place.</summary>
internal ref struct RequestHead
{
    private const int MaxSegmentBytes = 255;

    public int PathCount;
    public ReadOnlySpan<byte> Path0;
    public ReadOnlySpan<byte> Path1;
    public ReadOnlySpan<byte> Path2;
    public ReadOnlySpan<byte> Credential;
    public ReadOnlySpan<byte> Echo;
    public int ContentFormat;
    public int Accept;
    public int Observe;
    public CoapBlock? Block1;
    public CoapBlock? Block2;
    public uint Size1;
    public byte NoResponse;

    private bool _isOfConnection;

    /// <param name="message">The request.</param>
    /// <param name="isOfConnection">Whether it came over a connection: then a block may be of several KiB (RFC 8323 §6).</param>
    /// <param name="head">What its options say.</param>
    /// <returns>What the request is to be refused with; <see langword="default"/> if nothing.</returns>
    public static CoapCode Read(in CoapMessage message, bool isOfConnection, out RequestHead head)
    {
        head = new RequestHead
        {
            ContentFormat = -1,
            Accept = -1,
            Observe = -1,
            _isOfConnection = isOfConnection,
        };
        var reader = new CoapOptionReader(message.Options);
        var last = -1;
        while (reader.Read())
        {
            // One that must not be repeated, or is of the wrong length, is as good as unknown (RFC 7252 §5.4.3, §5.4.5).
            var isKnown = (reader.Number != last || IsRepeatable(reader.Number)) && IsLengthAllowed(reader.Number, reader.Value.Length);
            last = reader.Number;
            var refusal = isKnown ? head.Read(reader) : RefuseUnknown(reader.Number);
            if (refusal != default)
                return refusal;
        }

        return default;
    }

    private CoapCode Read(in CoapOptionReader option)
    {
        switch (option.Number)
        {
            case CoapOptionNumber.UriPath:
                AddSegment(option.Value);
                break;
            case CoapOptionNumber.UriQuery when option.Value.StartsWith(TokenText.Argument):
                Credential = option.Value[TokenText.Argument.Length..];
                break;
            case CoapOptionNumber.ContentFormat:
                ContentFormat = (int)option.UInt;
                break;
            case CoapOptionNumber.Accept:
                Accept = (int)option.UInt;
                break;
            case CoapOptionNumber.Observe:
                Observe = (int)option.UInt;
                break;
            case CoapOptionNumber.Block1:
                return TryReadBlock(option.UInt, ref Block1);
            case CoapOptionNumber.Block2:
                return TryReadBlock(option.UInt, ref Block2);
            case CoapOptionNumber.Size1:
                Size1 = option.UInt;
                break;
            case CoapOptionNumber.NoResponse:
                NoResponse = (byte)option.UInt;
                break;
            case CoapOptionNumber.Echo:
                Echo = option.Value;
                break;
            case CoapOptionNumber.ProxyUri or CoapOptionNumber.ProxyScheme:
                return CoapCode.ProxyingNotSupported;
            case CoapOptionNumber.IfMatch
            or CoapOptionNumber.UriHost
            or CoapOptionNumber.IfNoneMatch
            or CoapOptionNumber.UriPort
            or CoapOptionNumber.UriQuery:
                break; // For the context, or of no matter: every host name and port is ours.
            default:
                return RefuseUnknown(option.Number);
        }

        return default;
    }

    private void AddSegment(ReadOnlySpan<byte> segment)
    {
        switch (PathCount++)
        {
            case 0:
                Path0 = segment;
                break;
            case 1:
                Path1 = segment;
                break;
            case 2:
                Path2 = segment;
                break;
        }
    }

    private readonly CoapCode TryReadBlock(uint value, ref CoapBlock? block)
    {
        if (!CoapBlock.TryRead(value, out var read, _isOfConnection))
            return CoapCode.BadRequest;
        block = read;
        return default;
    }

    // Odd numbers are critical (RFC 7252 §5.4.6).
    private static CoapCode RefuseUnknown(int number) => (number & 1) != 0 ? CoapCode.BadOption : default;

    private static bool IsRepeatable(int number) =>
        number
            is CoapOptionNumber.IfMatch
                or CoapOptionNumber.ETag
                or CoapOptionNumber.UriPath
                or CoapOptionNumber.UriQuery
                or CoapOptionNumber.RequestTag;

    private static bool IsLengthAllowed(int number, int length) =>
        number switch
        {
            CoapOptionNumber.IfMatch => length <= 8,
            CoapOptionNumber.UriHost => length is >= 1 and <= MaxSegmentBytes,
            CoapOptionNumber.ETag => length is >= 1 and <= 8,
            CoapOptionNumber.IfNoneMatch => length == 0,
            CoapOptionNumber.Observe => length <= 3,
            CoapOptionNumber.UriPort or CoapOptionNumber.ContentFormat or CoapOptionNumber.Accept => length <= 2,
            CoapOptionNumber.UriPath or CoapOptionNumber.UriQuery => length <= MaxSegmentBytes,
            CoapOptionNumber.Block1 or CoapOptionNumber.Block2 => length <= 3,
            CoapOptionNumber.Size1 or CoapOptionNumber.Size2 => length <= 4,
            CoapOptionNumber.ProxyUri => length is >= 1 and <= 1034,
            CoapOptionNumber.ProxyScheme => length is >= 1 and <= MaxSegmentBytes,
            CoapOptionNumber.Echo => length is >= 1 and <= 40,
            CoapOptionNumber.NoResponse => length <= 1,
            CoapOptionNumber.RequestTag => length <= 8,
            _ => true,
        };
}
