using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>What consumers share.</summary>
internal sealed record ConsumerContext(
    ITelemetryIngress Ingress,
    IDeviceRegistry Registry,
    IReplies Replies,
    AmqpMetrics Metrics,
    TimeProvider Time,
    ILogger<AmqpService> Logger
);
