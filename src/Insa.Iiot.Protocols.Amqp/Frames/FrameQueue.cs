using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Telemetry;
using Insa.Iiot.Protocols.Amqp.Topology;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>A partition of what hosts that take telemetry hand over. One channel consumes it, so that its order is kept.</summary>
/// <param name="VirtualHost">Where it is.</param>
/// <param name="Partition">Its number.</param>
/// <param name="Options">How it is consumed.</param>
/// <param name="OwnUser">This host's login, who is trusted if nobody is named.</param>
internal sealed record FrameQueue(string VirtualHost, int Partition, AmqpFramesOptions Options, string OwnUser)
    : ConsumedQueue(VirtualHost, FrameTopology.QueueOf(Partition), "*", Channels: 1, Options.Prefetch, FrameTopology.DeliveryLimit)
{
    public static IEnumerable<FrameQueue> AllOf(AmqpOptions options, BrokerConnector connector)
    {
        if (options.Frames is not { } frames)
            return [];
        var virtualHost = frames.VirtualHost ?? connector.DefaultVirtualHost;
        return Enumerable
            .Range(0, frames.Partitions)
            .Where(partition => frames.Only.Count == 0 || frames.Only.Contains(partition))
            .Select(partition => new FrameQueue(virtualHost, partition, frames, connector.UserName));
    }

    public override Task PrepareAsync(IChannel channel, bool declares, CancellationToken cancellationToken) =>
        FrameTopology.PrepareAsync(channel, Options.Partitions, declares, cancellationToken);

    public override IMessageSource Open(ConsumerContext context) =>
        new FrameMessages(Partition, Options.TrustedUsers.Count == 0 ? [OwnUser] : Options.TrustedUsers, context.Ingress);
}
