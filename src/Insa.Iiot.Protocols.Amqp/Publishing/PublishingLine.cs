using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Topology;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Insa.Iiot.Protocols.Amqp.Publishing;

/// <summary>
/// One connection and its channel, from when it is made until anything of it fails. The library's own tracking of confirmations is not used: it keeps a
/// message that waits for another's write by its caller's buffer, past any time-out of the caller's.
/// </summary>
internal sealed class PublishingLine : IAsyncDisposable
{
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);

    private readonly PublisherContext _context;
    private readonly IConnection _connection;
    private readonly IChannel _channel;
    private readonly SemaphoreSlim _room;
    private readonly int _window;
    private readonly ConfirmLedger _ledger = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource _whenEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _sync = new();
    private TaskCompletionSource? _blocked;
    private int _isEnded;

    private PublishingLine(PublisherContext context, IConnection connection, IChannel channel, int window)
    {
        (_context, _connection, _channel, _window, _room) = (context, connection, channel, window, new SemaphoreSlim(window, window));
        channel.BasicAcksAsync += AcknowledgedAsync;
        channel.BasicNacksAsync += RefusedAsync;
        channel.BasicReturnAsync += ReturnedAsync;
        channel.ChannelShutdownAsync += ShutdownAsync;
        connection.ConnectionShutdownAsync += ShutdownAsync;
        connection.ConnectionBlockedAsync += BlockedAsync;
        connection.ConnectionUnblockedAsync += UnblockedAsync;
        context.Metrics.ConnectionsChanged(1);
    }

    /// <summary>Whether messages can still be sent by it.</summary>
    public bool IsOpen => !_ended.IsCancellationRequested;

    /// <summary>Completes when none can any more.</summary>
    public Task Ended => _whenEnded.Task;

    public bool IsBlocked => Volatile.Read(ref _blocked) is not null;

    /// <summary>Told when the broker blocks publishers, with its words, and with <see langword="null"/> when it does not any more.</summary>
    public required Action<string?> BlockedChanged { get; init; }

    public static async Task<PublishingLine> OpenAsync(
        PublisherContext context,
        string virtualHost,
        string purpose,
        PublishTopology topology,
        int window,
        Action<string?> blockedChanged,
        CancellationToken cancellationToken
    )
    {
        var connection = await context.Connector.ConnectAsync(virtualHost, purpose, cancellationToken).ConfigureAwait(false);
        try
        {
            // By a channel of its own: the broker closes one by which something was declared that differs.
            var preparing = await connection.CreateChannelAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            await using (preparing.ConfigureAwait(false))
                await topology(preparing, context.Options.Value.DeclaresTopology, cancellationToken).ConfigureAwait(false);
            var options = new CreateChannelOptions(
                publisherConfirmationsEnabled: true,
                publisherConfirmationTrackingEnabled: false,
                outstandingPublisherConfirmationsRateLimiter: null,
                consumerDispatchConcurrency: 1
            );
            var channel = await connection.CreateChannelAsync(options, cancellationToken).ConfigureAwait(false);
            var line = new PublishingLine(context, connection, channel, window) { BlockedChanged = blockedChanged };

            // What ended before its handlers were there is not told by them.
            if (!channel.IsOpen)
                line.End(channel.CloseReason?.ReplyText ?? "the channel is closed");
            return line;
        }
        catch
        {
            await CloseAsync(connection, context.Time).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Sends a message when there is room for it. What becomes of it, its own task says; if this line ends before, it is not taken.</summary>
    public async Task TrySendAsync(PendingPublish publish)
    {
        try
        {
            while (Volatile.Read(ref _blocked) is { } blocked)
                await blocked.Task.WaitAsync(_ended.Token).ConfigureAwait(false);
            await _room.WaitAsync(_ended.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        if (!publish.TrySend(this))
        {
            _room.Release();
            return;
        }

        _ledger.Add(publish);
        try
        {
            // The library copies it before it first waits, for messages are given to it one after the other. No token: it cannot be taken back halfway.
            var sending = _channel.BasicPublishAsync(
                publish.Exchange,
                publish.RoutingKey,
                mandatory: true,
                publish.Properties,
                publish.Body,
                CancellationToken.None
            );
            if (sending.IsCompletedSuccessfully)
                sending.GetAwaiter().GetResult();
            else
                await sending.AsTask().WaitAsync(_ended.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            End(BrokerFailure.ReasonOf(e));
        }
    }

    /// <summary>A message was not confirmed in time. Where the broker does not say that it lets publishers wait, the connection is taken for lost.</summary>
    public void Expire(PendingPublish publish)
    {
        if (IsBlocked)
            publish.Fail(PublishFailure.Unavailable, "The broker blocks publishers.");
        else
            End("it has not confirmed a message in time");
    }

    /// <summary>Waits until all that was sent is confirmed, or cannot be.</summary>
    public async Task WhenConfirmedAsync()
    {
        for (var i = 0; i < _window; i++)
            await _room.WaitAsync(_ended.Token).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        End("it is closed", isLost: false);
        await CloseAsync(_connection, _context.Time).ConfigureAwait(false);
    }

    private static async ValueTask CloseAsync(IConnection connection, TimeProvider time)
    {
        try
        {
            await connection.AbortAsync(ClosePatience).WaitAsync(2 * ClosePatience, time).ConfigureAwait(false);
            await connection.DisposeAsync().AsTask().WaitAsync(ClosePatience, time).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It is of no more use, and neither is what it says at its end.
        }
    }

    private Task AcknowledgedAsync(object sender, BasicAckEventArgs e)
    {
        MakeRoom(_ledger.Confirm(e.DeliveryTag, e.Multiple));
        return Task.CompletedTask;
    }

    private Task RefusedAsync(object sender, BasicNackEventArgs e)
    {
        MakeRoom(_ledger.Refuse(e.DeliveryTag, e.Multiple));
        return Task.CompletedTask;
    }

    private Task ReturnedAsync(object sender, BasicReturnEventArgs e)
    {
        _ledger.Return(e.BasicProperties.MessageId);
        return Task.CompletedTask;
    }

    private Task ShutdownAsync(object sender, ShutdownEventArgs e)
    {
        End(e.ReplyText);
        return Task.CompletedTask;
    }

    private Task BlockedAsync(object sender, ConnectionBlockedEventArgs e)
    {
        lock (_sync)
        {
            if (_blocked is not null || !IsOpen)
                return Task.CompletedTask;
            _blocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        _context.Metrics.BlockedChanged(1);
        BlockedChanged(e.Reason);
        return Task.CompletedTask;
    }

    private Task UnblockedAsync(object sender, AsyncEventArgs e)
    {
        if (Unblock())
            BlockedChanged(null);
        return Task.CompletedTask;
    }

    private bool Unblock()
    {
        TaskCompletionSource? blocked;
        lock (_sync)
            (blocked, _blocked) = (_blocked, null);
        if (blocked is null)
            return false;
        _context.Metrics.BlockedChanged(-1);
        blocked.SetResult();
        return true;
    }

    private void MakeRoom(int count)
    {
        if (count > 0)
            _room.Release(count);
    }

    private void End(string reason, bool isLost = true)
    {
        if (Interlocked.Exchange(ref _isEnded, 1) != 0)
            return;
        _context.Metrics.ConnectionsChanged(-1);
        if (isLost)
            _context.Logger.Lost(_context.Connector.Name, reason);
        _ended.Cancel(); // before the rest, so that nothing more is sent by it
        Unblock();
        _ledger.End($"The connection was lost: {reason}");
        _whenEnded.SetResult();
    }
}
