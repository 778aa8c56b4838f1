namespace Insa.Iiot.Protocols.Amqp;

/// <summary>What a host that writes telemetry consumes from hosts that take it (<see cref="AmqpTelemetrySinkOptions"/>).</summary>
public sealed class AmqpFramesOptions
{
    /// <summary>The virtual host; <see langword="null"/> for the one of <see cref="AmqpOptions.Uri"/>.</summary>
    public string? VirtualHost { get; set; }

    /// <summary>How many queues the devices are spread over, 1 to 64: the same on all hosts of both kinds. Default 1.</summary>
    public int Partitions { get; set; } = 1;

    /// <summary>
    /// The partitions to consume, from 0. Default empty: all. One host at a time consumes a partition, which keeps a device's frames in order; others stand
    /// by to take over.
    /// </summary>
    public IList<int> Only { get; } = [];

    /// <summary>How many messages of a partition may wait for their commit, 1 to 1,000. Default 64. Each is in memory until then.</summary>
    public int Prefetch { get; set; } = 64;

    /// <summary>The logins whose messages are believed; all others are dead letters. Default empty: the user of <see cref="AmqpOptions.Uri"/> alone.</summary>
    public IList<string> TrustedUsers { get; } = [];
}
