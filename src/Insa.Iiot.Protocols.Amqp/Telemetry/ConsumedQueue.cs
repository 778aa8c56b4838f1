using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>A queue to consume. Two that are equal in all are the same.</summary>
/// <param name="VirtualHost">Where it is.</param>
/// <param name="Queue">Its name.</param>
/// <param name="Owner">The tenant whose messages they are, for people and metrics; <c>*</c> if they are several's.</param>
/// <param name="Channels">How many channels consume.</param>
/// <param name="Prefetch">How many messages of a channel may wait for their commit.</param>
/// <param name="DeliveryLimit">How often a message is delivered before it is a dead letter.</param>
internal abstract record ConsumedQueue(string VirtualHost, string Queue, string Owner, int Channels, int Prefetch, int DeliveryLimit)
{
    /// <summary>Declares it, or looks for it.</summary>
    public abstract Task PrepareAsync(IChannel channel, bool declares, CancellationToken cancellationToken);

    /// <summary>Makes what knows its messages' senders, and outlives connections.</summary>
    public abstract IMessageSource Open(ConsumerContext context);
}
