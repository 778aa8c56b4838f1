namespace Insa.Iiot.Protocols.Amqp;

/// <summary>
/// Sends what <see cref="IEventPublisher"/> takes to the topic exchange <c>iiot.events</c>, by the routing key <c>events.{tenant}.{type}</c>.
/// </summary>
public sealed class AmqpEventOptions
{
    /// <summary>The virtual host; <see langword="null"/> for the one of <see cref="AmqpOptions.Uri"/>.</summary>
    public string? VirtualHost { get; set; }

    /// <summary>What the events are of: the CloudEvents attribute <c>source</c>, such as <c>https://iiot.example.com</c>. Required.</summary>
    public Uri? Source { get; set; }

    /// <summary>How many events of a tenant may wait for the broker, 1 to 1,000,000. Default 10,000.</summary>
    public int MaxWaiting { get; set; } = 10_000;
}
