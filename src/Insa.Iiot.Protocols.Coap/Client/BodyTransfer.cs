using System.Buffers;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>Sends and fetches bodies in blocks (RFC 7959).</summary>
internal sealed class BodyTransfer(Requester requester, MessageLayer layer, CoapClientOptions options)
{
    private const int OptionRoom = 512;
    private const int OwnBytes = 48; // of header, token and the options that are the client's own, but for Echo

    private readonly int _exponent = int.Log2(options.BlockSize) - 4;
    private int _uploads;
    private uint _lastTag;

    /// <summary>Sends a request with its body, and fetches the body of the response.</summary>
    /// <exception cref="CoapException">It failed; a response of whatever code is no failure.</exception>
    public async Task<CoapResponse> SendAsync(RequestHead head, CancellationToken cancellationToken)
    {
        var first = await UploadAsync(head, cancellationToken).ConfigureAwait(false);
        return await DownloadAsync(head, first, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The request as one message.</summary>
    /// <exception cref="CoapException">The body needs more than one block.</exception>
    public RequestMessage ToMessage(RequestHead head)
    {
        var most = WholeBytesOf(head);
        if (head.Payload.Length > most)
            throw new CoapException(CoapError.TooLarge, $"The body exceeds a block of {most} bytes.");
        return new RequestMessage(head)
        {
            Payload = head.Payload,
            Block2 = FirstBlock2,
            NoResponse = head.NoResponse,
        };
    }

    /// <summary>Fetches what follows the first block of a response, if anything does.</summary>
    /// <exception cref="CoapException">It failed, the body is too large, or it changed twice.</exception>
    public async Task<CoapResponse> DownloadAsync(RequestHead head, ReceivedResponse first, CancellationToken cancellationToken)
    {
        if (await TryDownloadAsync(head, first, cancellationToken).ConfigureAwait(false) is { } response)
            return response;

        // RFC 7959 §2.4: blocks of different representations do not make a body.
        var block = new CoapBlock(0, false, first.Block2!.Value.SizeExponent);
        first = await requester.AskAsync(ToNext(head, block), cancellationToken).ConfigureAwait(false);
        return await TryDownloadAsync(head, first, cancellationToken).ConfigureAwait(false)
            ?? throw new CoapException(CoapError.BodyChanged, "The resource changed twice while its blocks were fetched.");
    }

    // Over a connection a body goes in one message if the server takes it, unless smaller blocks are wanted.
    private int WholeBytesOf(RequestHead head)
    {
        var block = CoapBlock.SizeOf(ExponentOf(head));
        return layer.IsReliable && _exponent == CoapBlock.LargestExponent
            ? Math.Max(Math.Min(layer.MaxMessageBytes - OptionRoom, RoomOf(head)), block)
            : block;
    }

    // A server may take less than a block and its options (RFC 8323 §5.3.1): then they are smaller.
    private int ExponentOf(RequestHead head) =>
        layer.IsReliable ? Math.Clamp(int.Log2(Math.Max(RoomOf(head), 1)) - 4, 0, _exponent) : _exponent;

    private int RoomOf(RequestHead head) => layer.MaxMessageBytes - OwnBytes - head.OptionBytes;

    private int UploadExponentOf(RequestHead head) =>
        layer.TakesSeveralBlocks && WholeBytesOf(head) >= 2 * CoapBlock.SizeOf(CoapBlock.LargestExponent)
            ? CoapBlock.SeveralExponent
            : ExponentOf(head);

    // RFC 7959 §2.4: a client that wants smaller blocks says so in its first request.
    private CoapBlock? FirstBlock2 => _exponent < CoapBlock.LargestExponent ? new CoapBlock(0, false, _exponent) : null;

    private async Task<ReceivedResponse> UploadAsync(RequestHead head, CancellationToken cancellationToken)
    {
        var length = head.Payload.Length;
        if (length > options.MaxBodyBytes)
            throw new CoapException(CoapError.TooLarge, $"A body of {length} bytes exceeds {options.MaxBodyBytes}.");
        if (length > WholeBytesOf(head))
            return await UploadBlocksAsync(head, UploadExponentOf(head), cancellationToken).ConfigureAwait(false);

        var response = await requester.AskAsync(ToMessage(head), cancellationToken).ConfigureAwait(false);
        return response.Code == CoapCode.RequestEntityTooLarge && response.Block1 is { } wanted && wanted.Size < length
            ? await UploadBlocksAsync(head, wanted.SizeExponent, cancellationToken).ConfigureAwait(false)
            : response;
    }

    private async Task<ReceivedResponse> UploadBlocksAsync(RequestHead head, int exponent, CancellationToken cancellationToken)
    {
        // RFC 9175 §3.3: bodies sent at the same time are told apart; one without a tag is apart from all with one.
        uint? tag = Interlocked.Increment(ref _uploads) > 1 ? Interlocked.Increment(ref _lastTag) : null;
        try
        {
            return await UploadBlocksAsync(head, exponent, tag, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _uploads);
        }
    }

    private async Task<ReceivedResponse> UploadBlocksAsync(RequestHead head, int exponent, uint? tag, CancellationToken cancellationToken)
    {
        var offset = 0;
        var hasRestarted = false;
        while (true)
        {
            var message = ToBlock(head, offset, exponent, tag);
            var response = await requester.AskAsync(message, cancellationToken).ConfigureAwait(false);
            if (response.Code == CoapCode.RequestEntityTooLarge && response.Block1 is { } wanted && wanted.SizeExponent < exponent)
            {
                // RFC 7959 §2.9.3: the server hints at a size that it would take. It gets smaller every time, so this ends.
                exponent = wanted.SizeExponent;
                offset = 0;
            }
            else if (response.Code == CoapCode.RequestEntityIncomplete && !hasRestarted)
            {
                // RFC 7959 §2.9.2: the server has lost what it had.
                hasRestarted = true;
                offset = 0;
            }
            else if (message.Block1 is not { HasMore: true } block || !response.Code.IsSuccess)
            {
                return response.Code == CoapCode.Continue ? throw Malformed("2.31 for the last block") : response;
            }
            else
            {
                if (response.Block1 is not { } taken || taken.Number != block.Number)
                    throw Malformed($"{response.Code} with another Block1 than number {block.Number}");

                // RFC 7959 §2.3: the server may want smaller blocks from now on; a larger size is not for it to choose.
                offset += message.Payload.Length;
                exponent = Math.Min(exponent, taken.SizeExponent);
            }
        }
    }

    private RequestMessage ToBlock(RequestHead head, int offset, int exponent, uint? tag)
    {
        var size = CoapBlock.SizeOf(exponent);
        if (exponent == CoapBlock.SeveralExponent)
            size = WholeBytesOf(head) / size * size;
        var length = Math.Min(head.Payload.Length - offset, size);
        var isLast = offset + length == head.Payload.Length;
        return new RequestMessage(head)
        {
            Block1 = new CoapBlock(ToNumber(offset, exponent), !isLast, exponent),
            Block2 = isLast ? FirstBlock2 : null,
            Size1 = offset == 0 ? (uint)head.Payload.Length : null,
            RequestTag = tag,
            Payload = head.Payload.Slice(offset, length),
            NoResponse = isLast ? head.NoResponse : CoapNoResponse.None,
        };
    }

    /// <returns><see langword="null"/> if the body changed meanwhile.</returns>
    private async Task<CoapResponse?> TryDownloadAsync(RequestHead head, ReceivedResponse first, CancellationToken cancellationToken)
    {
        if (first.Block2 is not { } block || block is { Number: 0, HasMore: false })
        {
            ThrowIfTooLarge(first.Payload.Length);
            return first.Response;
        }

        var body = new ArrayBufferWriter<byte>();
        var received = first;
        while (true)
        {
            Append(body, block, received);
            if (!block.HasMore)
                return first.WithBody(body.WrittenMemory);

            var next = new CoapBlock(ToNumber(body.WrittenCount, block.SizeExponent), false, block.SizeExponent);
            received = await requester.AskAsync(ToNext(head, next), cancellationToken).ConfigureAwait(false);
            if (!received.Code.IsSuccess)
                return received.Response;
            if (received.Code != first.Code || !received.Response.ETag.Span.SequenceEqual(first.Response.ETag.Span))
                return null;
            block = received.Block2 ?? throw Malformed("a block without Block2");
        }
    }

    private void Append(ArrayBufferWriter<byte> body, CoapBlock block, ReceivedResponse received)
    {
        // RFC 7959 §2.2: every block but the last is full.
        var length = received.Payload.Length;
        if (block.Offset != body.WrittenCount || !block.Fits(length))
            throw Malformed($"block {block.Number} of {block.Size} bytes with {length} bytes after {body.WrittenCount}");
        ThrowIfTooLarge(Math.Max((long)body.WrittenCount + length, received.Size2 ?? 0));
        body.Write(received.Payload.Span);
    }

    private RequestMessage ToNext(RequestHead head, CoapBlock block) =>
        new(head)
        {
            Block2 = block,
            // A server without memory of the request needs the body that says what is fetched (RFC 8132 §2).
            Payload = head.Method == CoapCode.Fetch && head.Payload.Length <= WholeBytesOf(head) ? head.Payload : default,
        };

    private static int ToNumber(int offset, int exponent)
    {
        var number = offset / CoapBlock.SizeOf(exponent);
        return number <= CoapBlock.MaxNumber
            ? number
            : throw new CoapException(CoapError.TooLarge, $"A body has up to 2^20 blocks, here of {CoapBlock.SizeOf(exponent)} bytes.");
    }

    private void ThrowIfTooLarge(long length)
    {
        if (length > options.MaxBodyBytes)
            throw new CoapException(CoapError.TooLarge, $"The response of {length} bytes exceeds {options.MaxBodyBytes}.");
    }

    private static CoapException Malformed(string what) => new(CoapError.Malformed, $"The server sent {what}.");
}
