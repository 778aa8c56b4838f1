using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

/// <summary>A WebSocket as a byte stream, as the connection handler takes it. Frame borders mean nothing (MQTT 5 §6.0).</summary>
internal sealed class WebSocketConnection : ConnectionContext, IConnectionLifetimeNotificationFeature
{
    private const int PauseAtBytes = 64 * 1024;
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    private readonly WebSocket _socket;
    private readonly CancellationTokenSource _closed = new();
    private readonly Pipe _toHandler = new(
        new PipeOptions(pauseWriterThreshold: PauseAtBytes, resumeWriterThreshold: PauseAtBytes / 2, useSynchronizationContext: false)
    );
    private readonly Pipe _toSocket = new(
        new PipeOptions(pauseWriterThreshold: PauseAtBytes, resumeWriterThreshold: PauseAtBytes / 2, useSynchronizationContext: false)
    );

    public WebSocketConnection(WebSocket socket, HttpContext http)
    {
        _socket = socket;
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

    public override void Abort(ConnectionAbortedException abortReason)
    {
        _closed.Cancel();
        _socket.Abort();
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
        try
        {
            while (true)
            {
                var result = await _socket.ReceiveAsync(_toHandler.Writer.GetMemory(4096), _closed.Token).ConfigureAwait(false);

                // MQTT 5 §6: a frame that is not binary ends the connection.
                if (result.MessageType != WebSocketMessageType.Binary)
                    break;
                _toHandler.Writer.Advance(result.Count);
                var flushed = await _toHandler.Writer.FlushAsync(_closed.Token).ConfigureAwait(false);
                if (flushed.IsCompleted)
                    break;
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // The client is gone; the handler reads the end of the stream.
        }

        await _toHandler.Writer.CompleteAsync().ConfigureAwait(false);
    }

    private async Task SendAsync()
    {
        try
        {
            while (true)
            {
                var read = await _toSocket.Reader.ReadAsync(_closed.Token).ConfigureAwait(false);
                foreach (var segment in read.Buffer)
                    await _socket.SendAsync(segment, WebSocketMessageType.Binary, endOfMessage: true, _closed.Token).ConfigureAwait(false);
                _toSocket.Reader.AdvanceTo(read.Buffer.End);
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
