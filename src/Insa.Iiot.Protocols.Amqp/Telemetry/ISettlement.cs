namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>Tells the broker what became of deliveries.</summary>
internal interface ISettlement
{
    /// <summary>All up to a tag are durable and queryable.</summary>
    ValueTask AcknowledgeAsync(ulong tag);

    /// <summary>One message is not to come again: it goes to the queue's dead letters.</summary>
    ValueTask RejectAsync(ulong tag);

    /// <summary>Says what has become of a message to who waits for it: <see cref="IngestReason.None"/> if it is stored. Returns at once.</summary>
    void Tell(ReplyAddress address, IngestReason reason);
}
