using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Insa.Iiot.Protocols;

/// <summary>A WebSocket as a byte stream, as a connection handler takes it. What its messages are to the stream, each protocol says.</summary>
internal abstract class WebSocketStream : ConnectionContext, IConnectionLifetimeNotificationFeature
{
    private const int PauseAtBytes = 64 * 1024;
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _closed = new();
    private readonly Pipe _toHandler = new(
        new PipeOptions(pauseWriterThreshold: PauseAtBytes, resumeWriterThreshold: PauseAtBytes / 2, useSynchronizationContext: false)
    );
    private readonly Pipe _toSocket = new(
        new PipeOptions(pauseWriterThreshold: PauseAtBytes, resumeWriterThreshold: PauseAtBytes / 2, useSynchronizationContext: false)
    );

    protected WebSocketStream(WebSocket socket, HttpContext http)
    {
        Socket = socket;
        ConnectionId = http.Connection.Id;
        ConnectionClosed = _closed.Token;
        ConnectionClosedRequested = http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        Features.Set<IConnectionLifetimeNotificationFeature>(this);
        if (http.Features.Get<ITlsConnectionFeature>() is { } tls)
            Features.Set(tls);
        Transport = new DuplexPipe(_toHandler.Reader, _toSocket.Writer);
    }

    public sealed override string ConnectionId { get; set; }

    public sealed override CancellationToken ConnectionClosed { get; set; }

    public sealed override IFeatureCollection Features { get; } = new FeatureCollection();

    public sealed override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public sealed override IDuplexPipe Transport { get; set; }

    public CancellationToken ConnectionClosedRequested { get; set; }

    protected WebSocket Socket { get; }

    public void RequestClose() => Abort();

    public sealed override void Abort() => Abort(new ConnectionAbortedException());

    public sealed override void Abort(ConnectionAbortedException abortReason)
    {
        Socket.Abort();
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
        try
        {
            await sending.WaitAsync(CloseTimeout).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Who does not read what is left is not waited for.
            Abort();
            await sending.ConfigureAwait(false);
        }

        await CloseAsync().ConfigureAwait(false);
        await _toHandler.Reader.CompleteAsync().ConfigureAwait(false);

        // To cut the connection before the client has closed it too would take from it what it was told last.
        await receiving.WaitAsync(CloseTimeout).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _closed.CancelAsync().ConfigureAwait(false);
        await receiving.ConfigureAwait(false);
    }

    public sealed override ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _closed.Dispose();
        return base.DisposeAsync();
    }

    /// <summary>Receives once, and writes what the handler is to read.</summary>
    /// <returns><see langword="false"/> if the stream ends here.</returns>
    protected abstract ValueTask<bool> ReceiveAsync(PipeWriter toHandler, CancellationToken cancellationToken);

    /// <summary>Sends what the handler has written.</summary>
    /// <returns>Up to where it is sent; the rest comes again, with more.</returns>
    protected abstract ValueTask<SequencePosition> SendAsync(ReadOnlySequence<byte> written, CancellationToken cancellationToken);

    private async Task ReceiveAsync()
    {
        try
        {
            while (true)
            {
                if (!await ReceiveAsync(_toHandler.Writer, _closed.Token).ConfigureAwait(false))
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

        await _toHandler.Writer.CompleteAsync().ConfigureAwait(false);
    }

    private async Task SendAsync()
    {
        try
        {
            while (true)
            {
                var read = await _toSocket.Reader.ReadAsync(_closed.Token).ConfigureAwait(false);
                var sent = await SendAsync(read.Buffer, _closed.Token).ConfigureAwait(false);
                _toSocket.Reader.AdvanceTo(sent, read.Buffer.End);
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
            if (Socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // It was closed from the other side.
        }
    }

    private sealed record DuplexPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
