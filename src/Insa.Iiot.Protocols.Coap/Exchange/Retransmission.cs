using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Exchange;

/// <summary>Sends confirmable messages until they are acknowledged: one at a time to a peer (NSTART, RFC 7252 §4.7), each again at doubling intervals (§4.2). Not thread-safe.</summary>
internal sealed class Retransmission(IDatagramSender sender, CoapServerOptions options, TimeProvider time, CoapMetrics metrics)
{
    private const int MaxMessages = 100_000;
    private const int MaxMessagesPerPeer = 2 * RecentMessages.MaxLength; // as many as it may have at work, and notifications
    private const double RandomFactor = 1.5; // ACK_RANDOM_FACTOR

    private readonly Dictionary<PeerAddress, Queue<OutgoingMessage>> _byPeer = [];
    private readonly PriorityQueue<OutgoingMessage, long> _due = new();
    private int _count;

    /// <summary>How many are not acknowledged yet.</summary>
    public int Count => _count;

    /// <returns><see langword="false"/> if too many wait already; then it is not sent.</returns>
    public bool TrySend(OutgoingMessage message)
    {
        if (!_byPeer.TryGetValue(message.Peer, out var queue))
            _byPeer.Add(message.Peer, queue = new Queue<OutgoingMessage>(1));
        if (_count >= MaxMessages || queue.Count >= MaxMessagesPerPeer)
        {
            if (queue.Count == 0)
                _byPeer.Remove(message.Peer);
            return false;
        }

        queue.Enqueue(message);
        _count++;
        if (queue.Count == 1)
            Start(message);
        return true;
    }

    /// <summary>Takes an ACK or RST.</summary>
    /// <returns><see langword="false"/> if it is for no message of ours.</returns>
    public bool TryEnd(in PeerAddress peer, ushort messageId, MessageOutcome outcome)
    {
        if (!_byPeer.TryGetValue(peer, out var queue) || queue.Peek().MessageId != messageId)
            return false;
        End(queue, outcome);
        return true;
    }

    /// <summary>Gives up all that is for a peer.</summary>
    public void Drop(in PeerAddress peer)
    {
        while (_byPeer.TryGetValue(peer, out var queue))
            End(queue, MessageOutcome.Dropped, startNext: false);
    }

    /// <summary>Sends again what is due, and gives up what was sent often enough.</summary>
    public void Tick(long now)
    {
        while (_due.TryPeek(out var message, out var due) && due <= now)
        {
            _due.Dequeue();

            // One that has ended lies here until it would have been due.
            if (message.DueAt != due || !_byPeer.TryGetValue(message.Peer, out var queue) || queue.Peek() != message)
                continue;
            if (message.Attempts > options.MaxRetransmit)
            {
                End(queue, MessageOutcome.TimedOut);
                continue;
            }

            metrics.Retransmitted();
            message.Timeout *= 2;
            Send(message);
        }
    }

    private void Start(OutgoingMessage message)
    {
        message.Timeout = options.AckTimeout * (1 + (Random.Shared.NextDouble() * (RandomFactor - 1)));
        Send(message);
    }

    private void Send(OutgoingMessage message)
    {
        message.Attempts++;
        message.DueAt = time.GetTimestamp() + (long)(message.Timeout.TotalSeconds * time.TimestampFrequency);
        _due.Enqueue(message, message.DueAt);
        sender.Send(message.Peer, message.Datagram);
    }

    private void End(Queue<OutgoingMessage> queue, MessageOutcome outcome, bool startNext = true)
    {
        var message = queue.Dequeue();
        message.DueAt = -1;
        _count--;
        if (queue.Count == 0)
            _byPeer.Remove(message.Peer);
        else if (startNext)
            Start(queue.Peek());
        message.Ended?.Invoke(outcome);
    }
}
