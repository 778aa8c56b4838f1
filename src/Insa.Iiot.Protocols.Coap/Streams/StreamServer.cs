using System.Collections.Concurrent;
using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Server;
using Insa.Iiot.Protocols.Coap.Transport;
using Microsoft.AspNetCore.Connections;

namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>The endpoint of all connections, by TCP, TLS and WebSocket, and the way back to each.</summary>
internal sealed class StreamServer : IConnectionSender, IDisposable
{
    private const int Shares = 16;
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(1);

    [ThreadStatic]
    private static List<StreamConnection>? _toFlush;

    private readonly ConcurrentDictionary<PeerAddress, StreamConnection> _connections = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ITimer _timer;
    private volatile bool _isStopping;
    private StreamConnection? _inBurst;
    private long _lastId;
    private int _isTicking;
    private long _checkedAt;

    public StreamServer(CoapEndpointServices services)
    {
        Services = services;
        Endpoint = new CoapEndpoint(services, this, _stopping.Token);
        _checkedAt = services.Time.GetTimestamp();
        _timer = services.Time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public CoapEndpointServices Services { get; }

    public CoapEndpoint Endpoint { get; }

    /// <summary>Whether it takes no more connections.</summary>
    public bool IsStopping => _isStopping;

    public int Count => _connections.Count;

    /// <summary>The most bytes of a connection's answers that wait for it to read.</summary>
    public int MaxWaitingBytes => Math.Max(Services.Options.MaxBlockwiseBytes / Shares, 2 * Services.Options.MaxMessageBytes);

    /// <summary>Serves a connection until either side ends it.</summary>
    /// <param name="transport">Its bytes.</param>
    /// <param name="session">Whose it is, if its device has shown a certificate.</param>
    public async Task RunAsync(ConnectionContext transport, DeviceSession? session)
    {
        // A host without connections has no need of it.
        if (Interlocked.Exchange(ref _isTicking, 1) == 0)
            _timer.Change(TickInterval, TickInterval);
        var address = PeerAddress.OfConnection(Interlocked.Increment(ref _lastId));
        using var connection = new StreamConnection(this, address, transport, session);
        _connections.TryAdd(address, connection);
        Services.Metrics.ConnectionsChanged(1);
        try
        {
            await connection.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            _connections.TryRemove(address, out _);
            Services.Metrics.ConnectionsChanged(-1);
            Endpoint.Closed(address);
        }
    }

    /// <summary>Lets a connection give messages to the endpoint: what is sent to it meanwhile, it flushes itself.</summary>
    public Burst BeginBurst(StreamConnection connection)
    {
        var scope = Endpoint.Enter();
        _inBurst = connection;
        return new Burst(this, scope);
    }

    public void Send(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        // Under the endpoint's lock, as a burst is.
        if (_connections.TryGetValue(peer, out var connection) && connection.Output.TryWrite(datagram) && connection != _inBurst)
            connection.QueueFlush();
    }

    public void Send(DatagramBatch batch)
    {
        var toFlush = _toFlush ??= [];
        for (var i = 0; i < batch.Count; i++)
        {
            if (
                _connections.TryGetValue(batch.PeerOf(i), out var connection)
                && batch[i].Length > 0
                && connection.Output.TryWrite(batch[i])
            )
                toFlush.Add(connection);
        }

        foreach (var connection in toFlush)
            connection.Output.Flush();
        toFlush.Clear();
        for (var i = 0; i < batch.Count; i++)
            Ended(batch.PeerOf(i), IConnectionSender.MessageWeight);
    }

    public int MaxMessageBytesOf(in PeerAddress peer) => _connections.TryGetValue(peer, out var connection) ? connection.MaxAnswerBytes : 0;

    public bool TakesSeveralBlocks(in PeerAddress peer) =>
        _connections.TryGetValue(peer, out var connection) && connection.TakesSeveralBlocks;

    public void Began(in PeerAddress peer, int weight)
    {
        if (_connections.TryGetValue(peer, out var connection))
            connection.Began(weight);
    }

    public void Ended(in PeerAddress peer, int weight)
    {
        if (_connections.TryGetValue(peer, out var connection))
            connection.Ended(weight);
    }

    public void Checked(in PeerAddress peer, bool isKnown)
    {
        if (!_connections.TryGetValue(peer, out var connection))
            return;
        connection.IsKnown |= isKnown;
        connection.Ended(IConnectionSender.MessageWeight);
    }

    public bool AwaitsRoom(in PeerAddress peer) => _connections.TryGetValue(peer, out var connection) && connection.Output.AwaitsRoom();

    /// <summary>Ends what is still there, once all is answered that was taken.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _isStopping = true;
        await _stopping.CancelAsync().ConfigureAwait(false);
        foreach (var connection in _connections.Values)
            connection.End();
        await Endpoint.WhenAnsweredAsync().WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Dispose();
    }

    public void Dispose()
    {
        _timer.Dispose();
        Endpoint.Stop();
        _stopping.Cancel();
    }

    private void Tick()
    {
        try
        {
            Endpoint.Tick();
            if (Services.Time.GetElapsedTime(_checkedAt) < CheckInterval)
                return;
            _checkedAt = Services.Time.GetTimestamp();
            foreach (var (_, connection) in _connections)
                connection.Check();
        }
        catch (Exception e)
        {
            // On a timer's thread it would end the process.
            Services.Logger.TickFailed(e);
        }
    }

    /// <summary>The endpoint's lock, while a connection gives it messages.</summary>
    public readonly ref struct Burst
    {
        private readonly StreamServer _server;
        private readonly Lock.Scope _scope;

        public Burst(StreamServer server, Lock.Scope scope)
        {
            _server = server;
            _scope = scope;
        }

        public void Dispose()
        {
            _server._inBurst = null;
            _scope.Dispose();
        }
    }
}
