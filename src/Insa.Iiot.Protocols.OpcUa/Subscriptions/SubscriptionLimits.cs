namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>What a client may ask of subscriptions. What it asks beyond is revised where the standard lets us, else refused.</summary>
internal sealed record SubscriptionLimits
{
    public int MaxSubscriptionsPerSession { get; init; } = 100;

    /// <summary>Of one tenant, with those that wait for their client to come back.</summary>
    public int MaxSubscriptionsPerTenant { get; init; } = 2_000;

    public int MaxItemsPerSubscription { get; init; } = 100_000;

    public int MaxItemsPerTenant { get; init; } = 500_000;

    /// <summary>Items, links or subscriptions in one request.</summary>
    public int MaxOperationsPerCall { get; init; } = 10_000;

    /// <summary>Items of one tenant that watch events: each event is looked at for each of them.</summary>
    public int MaxEventItemsPerTenant { get; init; } = 10_000;

    public int MaxQueueSize { get; init; } = 1_000;

    /// <summary>The queue of an item of events whose client leaves it to the server.</summary>
    public int DefaultEventQueueSize { get; init; } = 100;

    /// <summary>Values and events that the queues of one subscription's items may hold together, besides one value per item; event filters count too.</summary>
    public int MaxQueuedValuesPerSubscription { get; init; } = 200_000;

    public int MaxLinksPerSubscription { get; init; } = 10_000;

    public int MaxPublishRequestsPerSession { get; init; } = 100;

    /// <summary>Messages that a session gets about subscriptions it has lost.</summary>
    public int MaxStatusMessagesPerSession { get; init; } = 100;

    public int MaxRetransmissionMessages { get; init; } = 100;

    public int MaxRetransmissionBytes { get; init; } = 4 << 20;

    public int MaxNotificationsPerPublish { get; init; } = 10_000;

    /// <summary>A message takes no further notification once it is this large. A little less than the size of a buffer of the pool.</summary>
    public int MaxMessageBytes { get; init; } = 250_000;

    public TimeSpan MinPublishingInterval { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan MaxPublishingInterval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The smallest sampling interval but 0, which is "whenever it changes".</summary>
    public TimeSpan MinSamplingInterval { get; init; } = TimeSpan.FromMilliseconds(10);

    public TimeSpan MaxSamplingInterval { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long a subscription with nothing to say may stay silent.</summary>
    public TimeSpan MaxKeepAlive { get; init; } = TimeSpan.FromMinutes(20);

    /// <summary>How long a subscription lives without Publish requests; three of its keep-alive times if that is longer.</summary>
    public TimeSpan MaxLifetime { get; init; } = TimeSpan.FromHours(1);
}
