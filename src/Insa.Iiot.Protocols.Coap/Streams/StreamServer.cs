using System.Collections.Concurrent;
using System.Numerics;
using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Exchange;
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
        var options = services.Options;
        var most = (uint)Math.Max(options.MaxBlockwiseBytes / Shares, 2 * options.MaxMessageBytes);
        OutputBudget = new OutputBudget(
            (int)BitOperations.RoundUpToPowerOf2(most),
            options.MaxOutputBytes,
            options.MaxConnections,
            services.Metrics.Refused
        );
        Endpoint = new CoapEndpoint(services, this, _stopping.Token);
        _checkedAt = services.Time.GetTimestamp();
        _timer = services.Time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public CoapEndpointServices Services { get; }

    public CoapEndpoint Endpoint { get; }

    /// <summary>Whether it takes no more connections.</summary>
    public bool IsStopping => _isStopping;

    public int Count => _connections.Count;

    /// <summary>What may wait for connections to read it.</summary>
    public OutputBudget OutputBudget { get; }

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
            using (Endpoint.Enter())
            {
                connection.Abandon();
                Endpoint.Closed(address);
            }
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
        if (Find(peer) is { } connection && connection.Output.TryWrite(datagram) && connection != _inBurst)
            connection.QueueFlush();
    }

    public void Send(DatagramBatch batch)
    {
        var toFlush = _toFlush ??= [];
        StreamConnection? connection = null;
        var ended = 0;
        for (var i = 0; i < batch.Count; i++)
        {
            var peer = batch.PeerOf(i);
            if (connection is null || connection.Address != peer)
            {
                connection?.Ended(ended);
                (connection, ended) = (Find(peer), 0);
            }

            if (connection is null)
                continue;
            ended += IConnectionSender.MessageWeight;
            if (batch[i].Length > 0 && connection.Output.TryWrite(batch[i]))
                toFlush.Add(connection);
        }

        connection?.Ended(ended);
        foreach (var written in toFlush)
            written.Output.Flush();
        toFlush.Clear();
    }

    public int MaxMessageBytesOf(in PeerAddress peer) => Find(peer)?.MaxAnswerBytes ?? 0;

    public bool TakesSeveralBlocks(in PeerAddress peer) => Find(peer) is { TakesSeveralBlocks: true };

    public void Began(in PeerAddress peer, int weight) => Find(peer)?.Began(weight);

    public void Ended(in PeerAddress peer, int weight) => Find(peer)?.Ended(weight);

    public void Checked(in PeerAddress peer, bool isDone) => Find(peer)?.Checked(isDone);

    public bool TryConfirm(in PeerAddress peer, Action<MessageOutcome> ended) =>
        Find(peer) is { } connection && connection.TryConfirm(ended);

    public bool AwaitsRoom(in PeerAddress peer) => Find(peer) is { } connection && connection.Output.AwaitsRoom();

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

    // Most is asked of the connection that gives its messages at the moment: it is found without the table.
    private StreamConnection? Find(in PeerAddress peer)
    {
        var current = Volatile.Read(ref _inBurst);
        return current is not null && current.Address == peer ? current : _connections.GetValueOrDefault(peer);
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
