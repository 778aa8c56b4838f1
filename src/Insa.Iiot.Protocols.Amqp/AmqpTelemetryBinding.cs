namespace Insa.Iiot.Protocols.Amqp;

/// <summary>One queue of telemetry, all of which is one tenant's: nothing in a message says otherwise.</summary>
public sealed class AmqpTelemetryBinding
{
    /// <summary>The queue.</summary>
    public string Queue { get; set; } = "";

    /// <summary>Whose telemetry it is.</summary>
    public TenantId Tenant { get; set; }

    /// <summary>The virtual host of the queue; <see langword="null"/> for the one of <see cref="AmqpOptions.Uri"/>.</summary>
    public string? VirtualHost { get; set; }

    /// <summary>The topic exchange that the queue is bound to when it is declared, of this tenant alone. Default <c>iiot.telemetry.{tenant}</c>.</summary>
    public string? Exchange { get; set; }

    /// <summary>The pattern that it is bound by. Default <c>telemetry.#</c>.</summary>
    public string RoutingKey { get; set; } = "telemetry.#";

    /// <summary>Where a message says which device it is of. Default <see cref="AmqpDeviceSource.RoutingKey"/>.</summary>
    public AmqpDeviceSource Device { get; set; }

    /// <summary>How many channels consume, 1 to 64. Default 1. With more, messages of one device may be stored in either order.</summary>
    public int Channels { get; set; } = 1;

    /// <summary>How many messages of a channel may wait for their commit, 1 to 65,535. Default 1,000. Each is in memory until then.</summary>
    public int Prefetch { get; set; } = 1000;

    /// <summary>The kind of queue to declare. Default <see cref="AmqpQueueType.Quorum"/>.</summary>
    public AmqpQueueType QueueType { get; set; }

    /// <summary>How often a message is delivered before it is a dead letter, 1 to 1,000. Default 20.</summary>
    public int DeliveryLimit { get; set; } = 20;

    /// <summary>How many messages may wait in a queue that is declared; publishers of more are refused. Default <see langword="null"/>: any number.</summary>
    public long? MaxMessages { get; set; }

    /// <summary>How many bytes may wait in a queue that is declared; publishers of more are refused. Default <see langword="null"/>: any number.</summary>
    public long? MaxBytes { get; set; }
}
