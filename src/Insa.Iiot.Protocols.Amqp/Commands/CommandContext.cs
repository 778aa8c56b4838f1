using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Publishing;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Amqp.Commands;

/// <summary>What the parts of commands share.</summary>
internal sealed record CommandContext(
    IDeviceCommands Commands,
    IDeviceRegistry Registry,
    AmqpOptions Options,
    BrokerConnector Connector,
    BrokerHealth Health,
    AmqpMetrics Metrics,
    TimeProvider Time,
    ILogger<CommandService> Logger
);
