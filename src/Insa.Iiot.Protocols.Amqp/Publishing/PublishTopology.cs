using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Publishing;

/// <summary>Declares, or looks for, what is published to: on every connection before the first message.</summary>
internal delegate Task PublishTopology(IChannel channel, bool declares, CancellationToken cancellationToken);
