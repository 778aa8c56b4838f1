namespace Insa.Iiot.Protocols.Amqp;

/// <summary>
/// Sends the commands of one tenant's devices to the topic exchange <c>iiot.commands</c>, by the routing key <c>commands.{tenant}.{device}</c>, and takes
/// the answers that come to <c>iiot.responses</c> by <c>responses.{tenant}.{device}</c>.
/// </summary>
public sealed class AmqpCommandBinding
{
    /// <summary>Whose commands they are. No message says otherwise.</summary>
    public TenantId Tenant { get; set; }

    /// <summary>The virtual host; <see langword="null"/> for the one of <see cref="AmqpOptions.Uri"/>.</summary>
    public string? VirtualHost { get; set; }

    /// <summary>The queue of answers; <see langword="null"/> for <c>iiot.responses.{tenant}</c>.</summary>
    public string? ResponseQueue { get; set; }

    /// <summary>When a command that no queue takes, or that a full queue refuses, is tried again, 1 s to 1 h. Default 30 s.</summary>
    public TimeSpan RetryInterval { get; set; } = TimeSpan.FromSeconds(30);
}
