namespace Insa.Iiot.Protocols.Amqp.Publishing;

/// <summary>Why the broker has not confirmed a message.</summary>
internal enum PublishFailure
{
    /// <summary>No queue takes its routing key: the broker has returned it.</summary>
    Unroutable,

    /// <summary>The broker has refused it, as when a queue that rejects what is too much is full.</summary>
    Refused,

    /// <summary>There was no connection in time, or it was lost before the confirmation. The broker may have the message nevertheless.</summary>
    Unavailable,
}
