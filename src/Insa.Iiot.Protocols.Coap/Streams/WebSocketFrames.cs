using System.Buffers;
using System.Net.WebSockets;

namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>A WebSocket's messages as frames of a stream: a message has no length of its own there (RFC 8323 §4.2), and gets one.</summary>
internal static class WebSocketFrames
{
    /// <summary>A message's token length and code, which come first.</summary>
    public const int HeaderLength = 2;

    /// <summary>How much longer a message is as a frame, at most.</summary>
    public const int MaxOverhead = StreamFrame.MaxHeaderLength - HeaderLength;

    private const int FirstBytes = 4096;

    // What is no message is passed on as a frame that is none (its token's length is 15), so that it is refused as over TCP.
    private static ReadOnlySpan<byte> NoFrame => [0x0F, 0x00];

    // The start of one that is too large, whatever is allowed.
    private static ReadOnlySpan<byte> TooLargeFrame => [0xF0, 0xFF, 0xFF, 0xFF, 0xFF, 0x00];

    /// <summary>Receives a message, and writes it as a frame.</summary>
    /// <param name="socket">Where from.</param>
    /// <param name="frames">Where to.</param>
    /// <param name="maxMessageBytes">The longest message that is taken.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns><see langword="false"/> if the other side closes.</returns>
    /// <exception cref="WebSocketException">The other side is gone.</exception>
    public static async ValueTask<bool> ReceiveAsync(
        WebSocket socket,
        IBufferWriter<byte> frames,
        int maxMessageBytes,
        CancellationToken cancellationToken
    )
    {
        var buffer = ArrayPool<byte>.Shared.Rent(FirstBytes);
        try
        {
            var length = 0;
            while (true)
            {
                var result = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);

                if (result.MessageType == WebSocketMessageType.Close)
                    return false;

                // RFC 8323 §4.2: messages are binary.
                if (result.MessageType != WebSocketMessageType.Binary)
                {
                    frames.Write(NoFrame);
                    return true;
                }

                length += result.Count;
                if (length > maxMessageBytes)
                {
                    frames.Write(TooLargeFrame);
                    return true;
                }

                if (result.EndOfMessage)
                {
                    if (!TryWriteFrame(frames, buffer.AsSpan(0, length)))
                        frames.Write(NoFrame);
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

    private static void Grow(ref byte[] buffer)
    {
        var grown = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(grown, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = grown;
    }

    /// <returns><see langword="false"/> if it is no message.</returns>
    private static bool TryWriteFrame(IBufferWriter<byte> frames, ReadOnlySpan<byte> message)
    {
        // The token's length comes first, the length's own nibble is 0.
        if (message.Length < HeaderLength || message[0] >> 4 != 0)
            return false;
        var nibble = message[0] & 0x0F;
        var rest = message[HeaderLength..];
        if (!StreamFrame.TryReadTokenLength(nibble, rest, out var extension, out var token) || extension + token > rest.Length)
            return false;
        var span = frames.GetSpan(StreamFrame.MaxHeaderLength);
        frames.Advance(StreamFrame.WriteHeader(span, new CoapCode(message[1]), nibble, rest.Length - extension - token));
        frames.Write(rest);
        return true;
    }
}
