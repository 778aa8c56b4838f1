namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>Tells senders that wait for it what has become of their messages. Thread-safe.</summary>
internal interface IReplies
{
    /// <summary>Takes an answer to be given, and returns at once: <see cref="IngestReason.None"/> if the message is stored.</summary>
    void Offer(ReplyAddress address, IngestReason reason);
}
