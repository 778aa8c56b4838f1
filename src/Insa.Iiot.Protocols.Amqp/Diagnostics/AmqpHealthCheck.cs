using Insa.Iiot.Protocols.Amqp.Connections;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Insa.Iiot.Protocols.Amqp.Diagnostics;

/// <summary>Unhealthy while a connection to the broker is away, or a queue cannot be consumed.</summary>
internal sealed class AmqpHealthCheck(BrokerConnector connector, BrokerHealth health) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var troubles = health.Troubles;
        return Task.FromResult(
            troubles.Count == 0
                ? HealthCheckResult.Healthy($"All is well with the broker {connector.Name}.")
                : new HealthCheckResult(
                    context.Registration.FailureStatus,
                    $"The broker {connector.Name}: {string.Join("; ", troubles.Select(trouble => $"{trouble.Key}: {trouble.Value}"))}."
                )
        );
    }
}
