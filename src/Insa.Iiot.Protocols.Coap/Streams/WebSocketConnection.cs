using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>A WebSocket as a stream, as connections are taken: a message has no length of its own there (RFC 8323 §4.2), and gets one.</summary>
internal sealed class WebSocketConnection : ConnectionContext, IConnectionLifetimeNotificationFeature
{
    private const int PauseAtBytes = 64 * 1024;
    private const int FirstBytes = 4096;
    private const int HeaderLength = 2;
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    private readonly WebSocket _socket;
    private readonly int _maxMessageBytes;
    private readonly CancellationTokenSource _closed = new();
    private readonly Pipe _toHandler = new(
        new PipeOptions(pauseWriterThreshold: PauseAtBytes, resumeWriterThreshold: PauseAtBytes / 2, useSynchronizationContext: false)
    );
    private readonly Pipe _toSocket = new(
        new PipeOptions(pauseWriterThreshold: PauseAtBytes, resumeWriterThreshold: PauseAtBytes / 2, useSynchronizationContext: false)
    );

    public WebSocketConnection(WebSocket socket, HttpContext http, int maxMessageBytes)
    {
        _socket = socket;
        _maxMessageBytes = maxMessageBytes;
        ConnectionId = http.Connection.Id;
        ConnectionClosed = _closed.Token;
        ConnectionClosedRequested = http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        Features.Set<IConnectionLifetimeNotificationFeature>(this);
        if (http.Features.Get<ITlsConnectionFeature>() is { } tls)
            Features.Set(tls);
        Transport = new DuplexPipe(_toHandler.Reader, _toSocket.Writer);
    }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public override IDuplexPipe Transport { get; set; }

    public CancellationToken ConnectionClosedRequested { get; set; }

    public void RequestClose() => Abort();

    public override void Abort() => Abort(new ConnectionAbortedException());

    public override void Abort(ConnectionAbortedException abortReason)
    {
        _socket.Abort();
        try
        {
            _closed.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended by itself.
        }
    }

    /// <summary>Runs the handler on the stream until either side ends.</summary>
    public async Task RunAsync(ConnectionHandler handler)
    {
        var receiving = ReceiveAsync();
        var sending = SendAsync();
        await handler.OnConnectedAsync(this).ConfigureAwait(false);
        await _toSocket.Writer.CompleteAsync().ConfigureAwait(false);
        await sending.ConfigureAwait(false);
        await CloseAsync().ConfigureAwait(false);
        await _toHandler.Reader.CompleteAsync().ConfigureAwait(false);
        await receiving.ConfigureAwait(false);
    }

    public override ValueTask DisposeAsync()
    {
        _closed.Dispose();
        return base.DisposeAsync();
    }

    private async Task ReceiveAsync()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(FirstBytes);
        try
        {
            while (true)
            {
                (buffer, var length) = await ReceiveMessageAsync(buffer).ConfigureAwait(false);
                if (length < 0 || !TryWriteFrame(buffer.AsSpan(0, length)))
                    break;
                var flushed = await _toHandler.Writer.FlushAsync(_closed.Token).ConfigureAwait(false);
                if (flushed.IsCompleted)
                    break;
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // The client is gone; the handler reads the end of the stream.
        }

        ArrayPool<byte>.Shared.Return(buffer);
        await _toHandler.Writer.CompleteAsync().ConfigureAwait(false);
    }

    /// <returns>The buffer, which may have grown, and the message's length; that is negative at the end.</returns>
    private async Task<(byte[] Buffer, int Length)> ReceiveMessageAsync(byte[] buffer)
    {
        var length = 0;
        while (true)
        {
            var result = await _socket.ReceiveAsync(buffer.AsMemory(length), _closed.Token).ConfigureAwait(false);

            // RFC 8323 §4.2: messages are binary.
            if (result.MessageType != WebSocketMessageType.Binary)
                return (buffer, -1);
            length += result.Count;

            // One that is too large is passed on as far as it was read: its length shows what it is.
            if (result.EndOfMessage || length > _maxMessageBytes)
                return (buffer, length);
            if (length < buffer.Length)
                continue;
            var grown = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
            buffer.AsSpan(0, length).CopyTo(grown);
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = grown;
        }
    }

    /// <returns><see langword="false"/> if it is no message.</returns>
    private bool TryWriteFrame(ReadOnlySpan<byte> message)
    {
        // The token's length comes first, the length's own nibble is 0.
        if (message.Length < HeaderLength || message[0] >> 4 != 0)
            return false;
        var nibble = message[0] & 0x0F;
        var rest = message[HeaderLength..];
        if (!StreamFrame.TryReadTokenLength(nibble, rest, out var extension, out var token) || extension + token > rest.Length)
            return false;
        var writer = _toHandler.Writer;
        var span = writer.GetSpan(StreamFrame.MaxHeaderLength);
        writer.Advance(StreamFrame.WriteHeader(span, new CoapCode(message[1]), nibble, rest.Length - extension - token));
        writer.Write(rest);
        return true;
    }

    private async Task SendAsync()
    {
        try
        {
            while (true)
            {
                var read = await _toSocket.Reader.ReadAsync(_closed.Token).ConfigureAwait(false);
                var unsent = read.Buffer;
                while (StreamFrame.TryRead(unsent, int.MaxValue, out var frame) == StreamFrameResult.Complete)
                {
                    await SendAsync(unsent.Slice(frame.HeaderLength, frame.Length - frame.HeaderLength), frame).ConfigureAwait(false);
                    unsent = unsent.Slice(frame.Length);
                }

                _toSocket.Reader.AdvanceTo(unsent.Start, unsent.End);
                if (read.IsCompleted)
                    break;
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // The client is gone; the handler finds its output completed.
        }

        await _toSocket.Reader.CompleteAsync().ConfigureAwait(false);
    }

    private async Task SendAsync(ReadOnlySequence<byte> rest, StreamFrame frame)
    {
        var length = HeaderLength + (int)rest.Length;
        var message = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            (message[0], message[1]) = ((byte)frame.TokenNibble, frame.Code.Value);
            rest.CopyTo(message.AsSpan(HeaderLength));
            await _socket
                .SendAsync(message.AsMemory(0, length), WebSocketMessageType.Binary, endOfMessage: true, _closed.Token)
                .ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }

    private async Task CloseAsync()
    {
        using var patience = new CancellationTokenSource(CloseTimeout);
        try
        {
            if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // It was closed from the other side.
        }

        await _closed.CancelAsync().ConfigureAwait(false);
    }

    private sealed record DuplexPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
