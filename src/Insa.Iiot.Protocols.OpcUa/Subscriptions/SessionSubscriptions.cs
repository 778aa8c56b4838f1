using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>What a session has of subscriptions: which are its own, and its Publish requests, which are for all of them. Thread-safe.</summary>
internal sealed class SessionSubscriptions
{
    private const int SmallestMessage = 1024;

    private readonly Lock _gate = new();
    private readonly UaSession _session;
    private readonly SubscriptionLimits _limits;
    private readonly Action<RequestContext> _cancelled;
    private readonly Queue<(uint SubscriptionId, byte[] Message)> _statusMessages = [];
    private volatile Subscription[] _subscriptions = [];
    private bool _isClosed;

    public SessionSubscriptions(UaSession session, SubscriptionLimits limits)
    {
        (_session, _limits, _cancelled) = (session, limits, Cancelled);
        ApplicationUri = session.Client.ApplicationUri;

        // Half of what the client takes is left to the rest of the response and to its chunks.
        MaxMessageBytes =
            session.MaxResponseBytes == 0
                ? limits.MaxMessageBytes
                : (int)Math.Clamp(session.MaxResponseBytes / 2, SmallestMessage, (uint)limits.MaxMessageBytes);
    }

    public PublishQueue Requests { get; } = new();

    public UaSession Session => _session;

    public SessionIdentity Identity => _session.ActiveIdentity;

    public string? ApplicationUri { get; }

    /// <summary>How large a notification message for this client may become.</summary>
    public int MaxMessageBytes { get; }

    /// <summary>Its subscriptions, as of now.</summary>
    public ReadOnlySpan<Subscription> Subscriptions => _subscriptions;

    public bool HasNone => _subscriptions.Length == 0;

    /// <returns>Good, BadTooManySubscriptions or BadSessionClosed.</returns>
    public StatusCode Add(Subscription subscription)
    {
        lock (_gate)
        {
            if (_isClosed)
                return StatusCodes.BadSessionClosed;
            if (_subscriptions.Length >= _limits.MaxSubscriptionsPerSession)
                return StatusCodes.BadTooManySubscriptions;
            _subscriptions = [.. _subscriptions, subscription];
            return StatusCodes.Good;
        }
    }

    public void Remove(Subscription subscription)
    {
        lock (_gate)
            _subscriptions = Array.FindAll(_subscriptions, other => other != subscription);
    }

    /// <summary>Takes no more subscriptions and Publish requests.</summary>
    /// <returns>Those it had.</returns>
    public Subscription[] Close()
    {
        lock (_gate)
            _isClosed = true;
        Requests.Close();
        return _subscriptions;
    }

    /// <summary>Tells the client that it has lost a subscription, at once or with its next Publish request.</summary>
    public void Post(uint subscriptionId, byte[] message)
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            if (_statusMessages.Count >= _limits.MaxStatusMessagesPerSession)
                _statusMessages.Dequeue();
            _statusMessages.Enqueue((subscriptionId, message));
        }

        if (Requests.TakeOldest() is { } request && !TrySendPosted(request))
            Fault(request, StatusCodes.BadNoSubscription);
    }

    /// <summary>Answers a Publish request by a message that was posted, if there is one.</summary>
    public bool TrySendPosted(LinkedListNode<PublishRequest> request)
    {
        (uint SubscriptionId, byte[] Message) posted;
        lock (_gate)
        {
            if (!_statusMessages.TryDequeue(out posted))
                return false;
        }

        var context = request.Value.Context!;
        var writer = context.Begin(EncodingIds.PublishResponse);
        writer.UInt32(posted.SubscriptionId);
        writer.ArrayLength(0);
        writer.Boolean(false);
        writer.Bytes(posted.Message);
        request.Value.WriteResults(ref writer);
        writer.NullArray();
        context.End(ref writer);
        Requests.GiveBack(request);
        return true;
    }

    /// <summary>Keeps a Publish request until there is something to say. When there are too many, the oldest is answered (Part 4 §5.14.5.2).</summary>
    public void Keep(LinkedListNode<PublishRequest> request)
    {
        while (Requests.Count >= _limits.MaxPublishRequestsPerSession && Requests.TakeOldest() is { } oldest)
            Fault(oldest, StatusCodes.BadTooManyPublishRequests);

        var context = request.Value.Context!;
        context.Cancelled = _cancelled;
        context.Keep();
        if (!Requests.TryAdd(request))
            Fault(request, StatusCodes.BadSessionClosed);
    }

    /// <summary>Answers all Publish requests that wait.</summary>
    public void FaultAll(StatusCode status)
    {
        while (Requests.TakeOldest() is { } request)
            Fault(request, status);
    }

    private void Fault(LinkedListNode<PublishRequest> request, StatusCode status)
    {
        request.Value.Context!.Fault(status);
        Requests.GiveBack(request);
    }

    private void Cancelled(RequestContext context)
    {
        if (Requests.Take(context) is { } request)
            Fault(request, context.CancelReason);
    }
}
