namespace Insa.Iiot.Protocols.Amqp;

/// <summary>The kind of a queue that is declared.</summary>
public enum AmqpQueueType
{
    /// <summary>Replicated, and counts deliveries: the default.</summary>
    Quorum,

    /// <summary>On one node.</summary>
    Classic,
}
