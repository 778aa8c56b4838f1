using System.Buffers;
using System.Net.WebSockets;
using Insa.Iiot.Protocols.Coap.Streams;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>A client's WebSocket as the stream of frames that it would be by TCP.</summary>
/// <param name="socket">The WebSocket, open; the stream's from now on.</param>
/// <param name="maxMessageBytes">The longest message that is taken.</param>
internal sealed class WebSocketClientStream(WebSocket socket, int maxMessageBytes) : Stream
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly ArrayBufferWriter<byte> _received = new();
    private byte[] _toSend = new byte[4096];
    private int _toSendBytes;
    private int _read;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_read == _received.WrittenCount)
        {
            _received.ResetWrittenCount();
            _read = 0;
            try
            {
                if (!await WebSocketFrames.ReceiveAsync(socket, _received, maxMessageBytes, cancellationToken).ConfigureAwait(false))
                    return 0;
            }
            catch (WebSocketException e)
            {
                throw new IOException("The WebSocket is over.", e);
            }
        }

        var count = Math.Min(buffer.Length, _received.WrittenCount - _read);
        _received.WrittenSpan.Slice(_read, count).CopyTo(buffer.Span);
        _read += count;
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_toSend.Length - _toSendBytes < buffer.Length)
            Array.Resize(ref _toSend, Math.Max(2 * _toSend.Length, _toSendBytes + buffer.Length));
        buffer.CopyTo(_toSend.AsMemory(_toSendBytes));
        _toSendBytes += buffer.Length;
        var sent = 0;
        while (TryMakeMessage(ref sent, out var message))
        {
            try
            {
                await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken).ConfigureAwait(false);
            }
            catch (WebSocketException e)
            {
                throw new IOException("The WebSocket is over.", e);
            }
        }

        _toSendBytes -= sent;
        _toSend.AsSpan(sent, _toSendBytes).CopyTo(_toSend);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(CloseTimeout);
        try
        {
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or InvalidOperationException)
        {
            // It is over already, or about to be.
        }

        socket.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    public override void Flush() { }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Makes a message of the next whole frame, in place: its shorter header ends where the frame's does.</summary>
    private bool TryMakeMessage(ref int sent, out ReadOnlyMemory<byte> message)
    {
        message = default;
        var unsent = new ReadOnlySequence<byte>(_toSend, sent, _toSendBytes - sent);
        if (StreamFrame.TryRead(unsent, int.MaxValue, out var frame) != StreamFrameResult.Complete)
            return false;
        var start = sent + frame.HeaderLength - WebSocketFrames.HeaderLength;
        (_toSend[start], _toSend[start + 1]) = ((byte)frame.TokenNibble, frame.Code.Value);
        sent += frame.Length;
        message = _toSend.AsMemory(start, sent - start);
        return true;
    }
}
