namespace Insa.Iiot.Protocols.Amqp;

/// <summary>How a host that takes telemetry hands it over to the hosts that write it, by a broker between them. Checked when the host starts.</summary>
public sealed class AmqpTelemetrySinkOptions
{
    /// <summary>The virtual host; <see langword="null"/> for the one of <see cref="AmqpOptions.Uri"/>. It should have nothing else in it.</summary>
    public string? VirtualHost { get; set; }

    /// <summary>How many queues the devices are spread over, 1 to 64: the same on all hosts of both kinds. A device's frames stay in order. Default 1.</summary>
    public int Partitions { get; set; } = 1;

    /// <summary>How large messages grow, 4 KiB to 1 MiB, in bytes. Default 64 KiB. A frame that is larger has a message of its own.</summary>
    public int MessageBytes { get; set; } = 64 * 1024;

    /// <summary>
    /// How large a frame may be, from <see cref="MessageBytes"/> to 16 MiB, in bytes; its device is refused a larger one. Default 256 KiB. No more than
    /// the writers' <see cref="TelemetryLimits.MaxMessageBytes"/>.
    /// </summary>
    public int MaxFrameBytes { get; set; } = 256 * 1024;

    /// <summary>
    /// The login that messages carry as their <c>user-id</c>, which the broker checks and writers trust. Default: the user of <see cref="AmqpOptions.Uri"/>;
    /// with a certificate as the login, the name that the broker knows it by.
    /// </summary>
    public string? UserId { get; set; }

    /// <summary>
    /// Whose devices are told only when a writer has stored their frames, and not when the broker has them. A write with frames of such a tenant waits for
    /// the store as a whole. Default <see langword="null"/>: nobody's.
    /// </summary>
    public Func<TenantId, bool>? IsEndToEnd { get; set; }

    /// <summary>How long a writer may take to store frames of such a tenant before they are written again, 1 s to 10 min. Default 30 s.</summary>
    public TimeSpan EndToEndTimeout { get; set; } = TimeSpan.FromSeconds(30);
}
