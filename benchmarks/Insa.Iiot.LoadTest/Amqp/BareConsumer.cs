using RabbitMQ.Client;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>What a consumer costs that does nothing but acknowledge, every 100 messages.</summary>
internal sealed class BareConsumer(IChannel channel, RunMeter meter, int share) : AsyncDefaultBasicConsumer(channel)
{
    private const int AcknowledgedAtOnce = 100;

    private int _taken;

    public override async Task HandleBasicDeliverAsync(
        string consumerTag,
        ulong deliveryTag,
        bool redelivered,
        string exchange,
        string routingKey,
        IReadOnlyBasicProperties properties,
        ReadOnlyMemory<byte> body,
        CancellationToken cancellationToken = default
    )
    {
        meter.Begin();
        if (++_taken % AcknowledgedAtOnce == 0 || _taken == share)
            await Channel.BasicAckAsync(deliveryTag, multiple: true, CancellationToken.None);
        meter.Took(1);
    }
}
