using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Amqp.Publishing;

/// <summary>What publishers share.</summary>
internal sealed record PublisherContext(
    BrokerConnector Connector,
    IOptions<AmqpOptions> Options,
    AmqpMetrics Metrics,
    BrokerHealth Health,
    TimeProvider Time,
    ILogger<BrokerPublisher> Logger
);
