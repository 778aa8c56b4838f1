using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Topology;

/// <summary>The exchange of events. Whoever wants some binds a queue of their own.</summary>
internal static class EventTopology
{
    public const string Exchange = "iiot.events";

    public static Task PrepareAsync(IChannel channel, bool declares, CancellationToken cancellationToken) =>
        CommandTopology.PrepareExchangeAsync(channel, Exchange, declares, cancellationToken);
}
