using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>Messages to one server: their ids, retransmission, NSTART and acknowledgements (RFC 7252 §4), and responses by token (§5.3).</summary>
internal sealed partial class MessageLayer : IAsyncDisposable
{
    // How long a queue waits for an id when all were used within the exchange lifetime.
    private static readonly TimeSpan MessageIdPause = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly ICoapClientTransport _transport;
    private readonly CoapClientOptions _options;
    private readonly MessageIds _ids;
    private readonly RecentMessages _recent;
    private readonly LinkedList<Transmission> _queue = new();
    private readonly Dictionary<ushort, Transmission> _sent = [];
    private readonly Dictionary<CoapToken, OpenToken> _tokens = [];
    private readonly ITimer _idTimer;
    private int _slotsTaken;
    private CoapException? _lost;
    private bool _isDisposed;

    public MessageLayer(ICoapClientTransport transport, CoapClientOptions options)
    {
        _transport = transport;
        _options = options;
        _ids = new MessageIds(options.TimeProvider, options.ExchangeLifetime);
        _recent = new RecentMessages(options.TimeProvider, options.ExchangeLifetime);
        _idTimer = options.TimeProvider.CreateTimer(_ => ContinueQueue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        transport.OnClosed(Lose);
        transport.OnRoom(ContinueQueue);
        transport.Start(Receive);
    }

    /// <inheritdoc cref="ICoapClientTransport.IsReliable"/>
    public bool IsReliable => _transport.IsReliable;

    /// <inheritdoc cref="ICoapClientTransport.MaxMessageBytes"/>
    public int MaxMessageBytes => _transport.MaxMessageBytes;

    /// <inheritdoc cref="ICoapClientTransport.TakesSeveralBlocks"/>
    public bool TakesSeveralBlocks => _transport.TakesSeveralBlocks;

    /// <summary>Directs responses with a token to a sink, until <see cref="Close"/>.</summary>
    /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
    public void Open(CoapToken token, IReplySink sink)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(CoapClient));
            _tokens.Add(token, new OpenToken(sink));
        }
    }

    /// <summary>Takes no more responses with a token: a confirmable one is reset from now on.</summary>
    public void Close(CoapToken token)
    {
        lock (_lock)
            _tokens.Remove(token);
        _transport.Forget(token);
    }

    /// <summary>Sends a message when it is its turn.</summary>
    /// <exception cref="CoapException">Too many wait already, or the connection is over.</exception>
    /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
    public void Submit(Transmission transmission)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(CoapClient));
            if (_lost is { } lost)
                throw new CoapException(lost.Error, lost.Message, lost);

            // Over a connection they do not wait for each other, but for their responses, and for room.
            var waiting = _transport.IsReliable ? Math.Max(_tokens.Count - 1, _queue.Count) : _queue.Count;
            if (waiting >= _options.MaxPendingRequests)
                throw new CoapException(CoapError.Busy, $"{waiting} requests already wait for their turn.");
            if (_tokens.TryGetValue(transmission.Token, out var open))
                open.Latest = transmission;
            transmission.Node = _queue.AddLast(transmission);
            SendQueued();
        }
    }

    /// <summary>Lets go of a message, whatever its state: it is not sent again.</summary>
    public void Abandon(Transmission transmission)
    {
        lock (_lock)
            Settle(transmission);
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            FailAll(new ObjectDisposedException(nameof(CoapClient)));
        }

        await _idTimer.DisposeAsync().ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
    }

    private void Lose(CoapException error)
    {
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _lost = error;
            FailAll(error);
        }
    }

    private void FailAll(Exception error)
    {
        foreach (var open in _tokens.Values)
            open.Sink.Fail(error);
        foreach (var transmission in _sent.Values.Concat(_queue))
        {
            transmission.Sink.Fail(error);
            transmission.Timer?.Dispose();
        }

        _tokens.Clear();
        _sent.Clear();
        _queue.Clear();
    }

    private void ContinueQueue()
    {
        lock (_lock)
            SendQueued();
    }

    private void SendQueued()
    {
        while (
            !_isDisposed
            && _queue.First is { Value: var transmission }
            && (_slotsTaken < _options.Nstart || transmission.IsOneWay || _transport.IsReliable)
            && _transport.HasRoom
        )
        {
            ushort id = 0;
            if (IsTracked(transmission) && !TryTakeId(out id))
            {
                _idTimer.Change(MessageIdPause, Timeout.InfiniteTimeSpan);
                return;
            }

            _queue.RemoveFirst();
            transmission.Node = null;
            transmission.SetMessageId(id);
            SendFirst(transmission);
        }
    }

    // Over a connection a message cannot be lost, and so has no id; but a ping has, to know its answer by.
    private bool IsTracked(Transmission transmission) => !_transport.IsReliable || transmission.IsPing;

    private bool TryTakeId(out ushort id)
    {
        while (_ids.TryTake(out id))
        {
            if (!_sent.ContainsKey(id))
                return true;
        }

        return false;
    }

    private void SendFirst(Transmission transmission)
    {
        transmission.IsSent = true;
        _transport.Send(transmission.Datagram);
        if (transmission.IsOneWay || !IsTracked(transmission))
        {
            transmission.Sink.Accept();
            return;
        }

        _sent.Add(transmission.MessageId, transmission);
        transmission.HoldsSlot = true;
        _slotsTaken++;

        // RFC 7252 §4.2: the first time-out is random, so that peers do not send in step.
        var factor = 1 + (Random.Shared.NextDouble() * (_options.AckRandomFactor - 1));
        transmission.Timeout = _options.AckTimeout * factor;
        transmission.Timer = _options.TimeProvider.CreateTimer(
            _ => Expire(transmission),
            null,
            transmission.Timeout,
            Timeout.InfiniteTimeSpan
        );
    }

    private void Expire(Transmission transmission)
    {
        lock (_lock)
        {
            if (_isDisposed || !transmission.HoldsSlot)
                return;
            if (!transmission.IsConfirmable)
            {
                // Nothing tells that a message was lost which is not confirmable: the next has its turn, and the response may still come.
                FreeSlot(transmission);
                SendQueued();
            }
            else if (transmission.Retransmissions < _options.MaxRetransmit)
            {
                SendAgain(transmission);
            }
            else
            {
                var error = $"No acknowledgement came for a message that was sent {transmission.Retransmissions + 1} times.";
                transmission.Sink.Fail(new CoapException(CoapError.NoAcknowledgement, error));
                Settle(transmission);
            }
        }
    }

    private void SendAgain(Transmission transmission)
    {
        transmission.Retransmissions++;
        _transport.Send(transmission.Datagram);

        // RFC 7252 §4.2: the time-out doubles after every retransmission.
        transmission.Timeout *= 2;
        transmission.Timer!.Change(transmission.Timeout, Timeout.InfiniteTimeSpan);
    }

    private void FreeSlot(Transmission transmission)
    {
        transmission.Timer?.Dispose();
        transmission.Timer = null;
        if (!transmission.HoldsSlot)
            return;
        transmission.HoldsSlot = false;
        _slotsTaken--;
    }

    // Nothing more is expected for the message itself; a response may still come for its token.
    private void Settle(Transmission transmission)
    {
        if (transmission.Node is { } node)
        {
            node.List?.Remove(node);
            transmission.Node = null;
        }
        else if (_sent.TryGetValue(transmission.MessageId, out var known) && known == transmission)
        {
            _sent.Remove(transmission.MessageId);
        }

        FreeSlot(transmission);
        SendQueued();
    }
}
