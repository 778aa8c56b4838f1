using Insa.Iiot.Protocols.Amqp.Connections;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>What outlives the connections of a queue.</summary>
internal sealed class QueueMemory(ConsumedQueue queue, ConsumerContext context)
{
    private static readonly TimeSpan MaxPause = TimeSpan.FromMinutes(1);

    /// <summary>What is known of its senders.</summary>
    public IMessageSource Source { get; } = queue.Open(context);

    /// <summary>Messages that could not be handled.</summary>
    public FailedMessages Failed { get; } = new();

    /// <summary>How long to leave it alone.</summary>
    public Backoff Pause { get; } = new(MaxPause, context.Time);

    /// <summary>Whether it could not be consumed the last time: a queue that is broken in the broker takes the whole connection down with it.</summary>
    public bool HasFailed { get; set; }
}
