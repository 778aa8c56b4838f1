using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>A server's WebSocket as the stream of frames that it would be by TCP.</summary>
internal sealed class WebSocketConnection(WebSocket socket, HttpContext http, int maxMessageBytes) : WebSocketStream(socket, http)
{
    protected override ValueTask<bool> ReceiveAsync(PipeWriter toHandler, CancellationToken cancellationToken) =>
        WebSocketFrames.ReceiveAsync(Socket, toHandler, maxMessageBytes, cancellationToken);

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

    private async ValueTask SendAsync(StreamFrame frame, ReadOnlySequence<byte> rest, CancellationToken cancellationToken)
    {
        var length = WebSocketFrames.HeaderLength + (int)rest.Length;
        var message = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            (message[0], message[1]) = ((byte)frame.TokenNibble, frame.Code.Value);
            rest.CopyTo(message.AsSpan(WebSocketFrames.HeaderLength));
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
