using System.Threading.Channels;
using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Insa.Iiot.Protocols.Amqp.Publishing;

/// <summary>
/// Publishes with confirmations, over a connection of its own that is made when it is needed, and again when it is lost. Messages are sent in
/// the order in which they were given; one that was lost with its connection is its caller's to give again. Thread-safe.
/// </summary>
internal sealed class BrokerPublisher : IAsyncDisposable
{
    private const int DefaultWindow = 256;
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(10);

    private readonly PublisherContext _context;
    private readonly string _virtualHost;
    private readonly string _purpose;
    private readonly PublishTopology _topology;
    private readonly int _window;
    private readonly TimeSpan _timeout;
    private readonly Channel<PendingPublish> _queue;
    private readonly Backoff _backoff;
    private readonly CancellationTokenSource _disposing = new();
    private readonly Task _sending;
    private volatile PublishingLine? _line;
    private Task _closing = Task.CompletedTask;
    private long _openedAt;
    private bool _isUnreachableTold;
    private int _isBlockedTold;

    /// <param name="context">What publishers share.</param>
    /// <param name="virtualHost">Where to publish.</param>
    /// <param name="purpose">Names the connection, for people who look at the broker.</param>
    /// <param name="topology">Declares what is published to.</param>
    /// <param name="window">How many messages may wait for their confirmation, and as many more to be sent.</param>
    /// <param name="timeout">How long a message may take, its wait for a connection or a broker that blocks included. Default 30 s.</param>
    /// <param name="isEager">Whether to be connected also without a message, so that what is published to is there before the first one.</param>
    public BrokerPublisher(
        PublisherContext context,
        string virtualHost,
        string purpose,
        PublishTopology topology,
        int window = DefaultWindow,
        TimeSpan? timeout = null,
        bool isEager = false
    )
    {
        (_context, _virtualHost, _purpose, _topology, _window) = (context, virtualHost, purpose, topology, window);
        _timeout = timeout ?? DefaultTimeout;
        _backoff = new Backoff(context.Options.Value.MaxReconnectDelay, context.Time);
        _queue = Channel.CreateBounded<PendingPublish>(new BoundedChannelOptions(window) { SingleReader = true });
        _sending = Task.Run(() => SendAsync(isEager));
    }

    private string Tie => $"publishing {_purpose} to {_virtualHost}";

    /// <summary>
    /// Publishes a message, persistent and mandatory. It returns when the broker has confirmed it: for quorum queues, when a majority has it on disk.
    /// </summary>
    /// <param name="exchange">Where to.</param>
    /// <param name="routingKey">Its routing key.</param>
    /// <param name="properties">Its properties, with a message id. They are the publisher's until this returns.</param>
    /// <param name="body">Its body, which is read until this returns.</param>
    /// <exception cref="BrokerPublishException">It was not confirmed.</exception>
    /// <exception cref="ObjectDisposedException">The publisher is disposed.</exception>
    public async Task PublishAsync(string exchange, string routingKey, BasicProperties properties, ReadOnlyMemory<byte> body)
    {
        // What the broker returns is known again by it.
        ArgumentException.ThrowIfNullOrEmpty(properties.MessageId);
        properties.DeliveryMode = DeliveryModes.Persistent;
        var publish = new PendingPublish(exchange, routingKey, properties, body);
        try
        {
            await WaitAsync(publish).ConfigureAwait(false);
            _context.Metrics.Published(_purpose);

            // An alarm may end while the connection is made anew, which is not told.
            if (Volatile.Read(ref _isBlockedTold) != 0 && _line is { IsBlocked: false })
                BlockedChanged(null);
        }
        catch (BrokerPublishException e)
        {
            _context.Metrics.PublishFailed(_purpose, e.Failure);
            throw;
        }
    }

    /// <summary>Sends and waits for what was given, as long as there is a connection and time.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposing.IsCancellationRequested)
            return;
        _queue.Writer.TryComplete();
        await _disposing.CancelAsync().ConfigureAwait(false);
        if (_line is not { IsBlocked: true })
            await DrainAsync().WaitAsync(DrainTime, _context.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_line is { } line)
            await line.DisposeAsync().ConfigureAwait(false);
        await _sending.ConfigureAwait(false);
        await _closing.ConfigureAwait(false);
        _context.Health.Forget(Tie);
        _disposing.Dispose();
    }

    private async Task DrainAsync()
    {
        await _sending.ConfigureAwait(false);
        if (_line is { } line)
            await line.WhenConfirmedAsync().ConfigureAwait(false);
    }

    private async Task WaitAsync(PendingPublish publish)
    {
        using var expiry = new CancellationTokenSource(_timeout, _context.Time);
        try
        {
            await _queue.Writer.WriteAsync(publish, expiry.Token).ConfigureAwait(false);
            await publish.Confirmed.WaitAsync(expiry.Token).ConfigureAwait(false);
        }
        catch (ChannelClosedException e)
        {
            throw new ObjectDisposedException("The publisher is disposed.", e);
        }
        catch (OperationCanceledException e) when (expiry.IsCancellationRequested)
        {
            if (publish.TryAbandon())
                throw new BrokerPublishException(PublishFailure.Unavailable, $"It could not be sent within {_timeout}.", e);
            publish.Line?.Expire(publish);
            await publish.Confirmed.ConfigureAwait(false);
        }
    }

    private async Task SendAsync(bool isEager)
    {
        var more = _queue.Reader.WaitToReadAsync().AsTask();
        while (true)
        {
            if (isEager)
                await StayConnectedUntilAsync(more).ConfigureAwait(false);
            if (!await more.ConfigureAwait(false))
                return;
            while (_queue.Reader.TryRead(out var publish))
                await SendAsync(publish).ConfigureAwait(false);
            more = _queue.Reader.WaitToReadAsync().AsTask();
        }
    }

    private async Task StayConnectedUntilAsync(Task more)
    {
        while (!more.IsCompleted && !_disposing.IsCancellationRequested)
        {
            if (await FindLineAsync().ConfigureAwait(false) is { } line)
                await Task.WhenAny(more, line.Ended).ConfigureAwait(false);
        }
    }

    private async Task SendAsync(PendingPublish publish)
    {
        while (!publish.IsTaken)
        {
            if (await FindLineAsync().ConfigureAwait(false) is { } line)
                await line.TrySendAsync(publish).ConfigureAwait(false);
            else if (_disposing.IsCancellationRequested && publish.TryAbandon())
                publish.Fail(PublishFailure.Unavailable, "There is no connection, and the host stops.");
        }
    }

    /// <returns><see langword="null"/> if there is none now, after a while.</returns>
    private async ValueTask<PublishingLine?> FindLineAsync()
    {
        if (_line is { IsOpen: true })
            return _line;
        if (_disposing.IsCancellationRequested)
            return null;
        try
        {
            if (_line is { } lost)
            {
                // Beside the next attempt: a connection whose other end is silent takes its time to close.
                await _closing.ConfigureAwait(false);
                _closing = lost.DisposeAsync().AsTask();
                _line = null;
                if (_context.Time.GetElapsedTime(_openedAt) > _context.Options.Value.MaxReconnectDelay)
                    _backoff.Reset();
                await _backoff.WaitAsync(_disposing.Token).ConfigureAwait(false);
            }

            _line = await PublishingLine
                .OpenAsync(_context, _virtualHost, _purpose, _topology, _window, BlockedChanged, _disposing.Token)
                .ConfigureAwait(false);
            _context.Health.Up(Tie);
            _context.Logger.Publishing(_context.Connector.Name, _virtualHost, _purpose);
            _openedAt = _context.Time.GetTimestamp();
            _isUnreachableTold = false;
            return _line;
        }
        catch (OperationCanceledException) when (_disposing.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e)
        {
            _context.Health.Down(Tie, BrokerFailure.ReasonOf(e));

            // Told once: a broker that is away is away for many attempts.
            if (!_isUnreachableTold)
                Tell(e);
            _isUnreachableTold = true;
            await _backoff.WaitAsync(_disposing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return null;
        }
    }

    private void Tell(Exception e)
    {
        var reason = BrokerFailure.ReasonOf(e);
        if (e is not OperationInterruptedException { ShutdownReason: { } shutdown })
            _context.Logger.Unreachable(_context.Connector.Name, reason);
        else if (shutdown.ReplyCode == Constants.PreconditionFailed)
            _context.Logger.TopologyDiffers(_purpose, reason);
        else
            _context.Logger.PublishingRefused(_purpose, reason);
    }

    private void BlockedChanged(string? reason)
    {
        // Told once: an alarm outlasts connections.
        if (reason is not null && Interlocked.Exchange(ref _isBlockedTold, 1) == 0)
            _context.Logger.Blocked(reason);
        else if (reason is null && Interlocked.Exchange(ref _isBlockedTold, 0) == 1)
            _context.Logger.Unblocked();
    }
}
