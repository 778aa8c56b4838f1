using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>A WebSocket's messages as frames of a stream: a message has no length of its own there (RFC 8323 §4.2), and gets one.</summary>
internal sealed class WebSocketConnection(WebSocket socket, HttpContext http, int maxMessageBytes) : WebSocketStream(socket, http)
{
    private const int FirstBytes = 4096;
    private const int HeaderLength = 2;

    // What is no message is passed on as a frame that is none (its token's length is 15), so that it is refused as over TCP.
    private static ReadOnlySpan<byte> NoFrame => [0x0F, 0x00];

    protected override async ValueTask<bool> ReceiveAsync(PipeWriter toHandler, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(FirstBytes);
        try
        {
            var length = 0;
            while (true)
            {
                var result = await Socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);

                if (result.MessageType == WebSocketMessageType.Close)
                    return false;

                // RFC 8323 §4.2: messages are binary.
                if (result.MessageType != WebSocketMessageType.Binary)
                {
                    toHandler.Write(NoFrame);
                    return true;
                }

                length += result.Count;

                // One that is too large is passed on as far as it was read: its length shows what it is.
                if (result.EndOfMessage || length > maxMessageBytes)
                {
                    if (!TryWriteFrame(toHandler, buffer.AsSpan(0, length)))
                        toHandler.Write(NoFrame);
                    return true;
                }

                if (length == buffer.Length)
                    Grow(ref buffer);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    protected override async ValueTask<SequencePosition> SendAsync(ReadOnlySequence<byte> written, CancellationToken cancellationToken)
    {
        while (StreamFrame.TryRead(written, int.MaxValue, out var frame) == StreamFrameResult.Complete)
        {
            var rest = written.Slice(frame.HeaderLength, frame.Length - frame.HeaderLength);
            await SendAsync(frame, rest, cancellationToken).ConfigureAwait(false);
            written = written.Slice(frame.Length);
        }

        return written.Start;
    }

    private static void Grow(ref byte[] buffer)
    {
        var grown = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(grown, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = grown;
    }

    /// <returns><see langword="false"/> if it is no message.</returns>
    private static bool TryWriteFrame(PipeWriter toHandler, ReadOnlySpan<byte> message)
    {
        // The token's length comes first, the length's own nibble is 0.
        if (message.Length < HeaderLength || message[0] >> 4 != 0)
            return false;
        var nibble = message[0] & 0x0F;
        var rest = message[HeaderLength..];
        if (!StreamFrame.TryReadTokenLength(nibble, rest, out var extension, out var token) || extension + token > rest.Length)
            return false;
        var span = toHandler.GetSpan(StreamFrame.MaxHeaderLength);
        toHandler.Advance(StreamFrame.WriteHeader(span, new CoapCode(message[1]), nibble, rest.Length - extension - token));
        toHandler.Write(rest);
        return true;
    }

    private async ValueTask SendAsync(StreamFrame frame, ReadOnlySequence<byte> rest, CancellationToken cancellationToken)
    {
        var length = HeaderLength + (int)rest.Length;
        var message = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            (message[0], message[1]) = ((byte)frame.TokenNibble, frame.Code.Value);
            rest.CopyTo(message.AsSpan(HeaderLength));
            await Socket
                .SendAsync(message.AsMemory(0, length), WebSocketMessageType.Binary, endOfMessage: true, cancellationToken)
                .ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }
}
