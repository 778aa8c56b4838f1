namespace Insa.Iiot.Protocols.Amqp;

/// <summary>
/// Names queues of telemetry beside those of <see cref="AmqpOptions.Telemetry"/>, such as one for each tenant there is. Registered as a singleton; asked again
/// every <see cref="AmqpOptions.BindingsInterval"/>, so that tenants come and go without a restart.
/// </summary>
public interface IAmqpBindingSource
{
    /// <summary>Reads the queues that are to be consumed now. When it throws, those of the last time stay.</summary>
    ValueTask<IReadOnlyList<AmqpTelemetryBinding>> ReadAsync(CancellationToken cancellationToken = default);
}
