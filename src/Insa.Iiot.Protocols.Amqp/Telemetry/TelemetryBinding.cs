using Insa.Iiot.Protocols.Amqp.Topology;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>A binding as it was when it was read. Two that are equal in all are the same.</summary>
internal sealed record TelemetryBinding(
    string VirtualHost,
    string Queue,
    TenantId Tenant,
    string Exchange,
    string RoutingKey,
    AmqpDeviceSource Device,
    int Channels,
    int Prefetch,
    AmqpQueueType QueueType,
    int DeliveryLimit,
    long? MaxMessages,
    long? MaxBytes
) : ConsumedQueue(VirtualHost, Queue, Tenant.Value, Channels, Prefetch, DeliveryLimit)
{
    public static TelemetryBinding Of(AmqpTelemetryBinding binding, string defaultVirtualHost) =>
        new(
            binding.VirtualHost ?? defaultVirtualHost,
            binding.Queue,
            binding.Tenant,
            binding.Exchange ?? $"iiot.telemetry.{binding.Tenant}",
            binding.RoutingKey,
            binding.Device,
            binding.Channels,
            binding.Prefetch,
            binding.QueueType,
            binding.DeliveryLimit,
            binding.MaxMessages,
            binding.MaxBytes
        );

    public override Task PrepareAsync(IChannel channel, bool declares, CancellationToken cancellationToken) =>
        TelemetryTopology.PrepareAsync(channel, this, declares, cancellationToken);

    public override IMessageSource Open(ConsumerContext context) => new DeviceMessageSource(this, context);
}
