using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Topology;

/// <summary>The exchanges and queues of commands and their answers.</summary>
internal static class CommandTopology
{
    public const string Commands = "iiot.commands";
    public const string Responses = "iiot.responses";

    // As often a message may come that cannot be handled: each time its channel is made anew.
    private const int DeliveryLimit = 20;

    public static string ResponseQueueOf(AmqpCommandBinding binding) => binding.ResponseQueue ?? $"iiot.responses.{binding.Tenant.Value}";

    public static Task PrepareCommandsAsync(IChannel channel, bool declares, CancellationToken cancellationToken) =>
        PrepareExchangeAsync(channel, Commands, declares, cancellationToken);

    public static async Task PrepareResponsesAsync(
        IChannel channel,
        string queue,
        TenantId tenant,
        bool declares,
        CancellationToken cancellationToken
    )
    {
        await PrepareExchangeAsync(channel, Responses, declares, cancellationToken).ConfigureAwait(false);
        if (!declares)
        {
            await channel.QueueDeclarePassiveAsync(queue, cancellationToken).ConfigureAwait(false);
            return;
        }

        await TelemetryTopology.DeclareDeadLettersAsync(channel, cancellationToken).ConfigureAwait(false);
        var arguments = new Dictionary<string, object?>
        {
            ["x-queue-type"] = "quorum",
            ["x-delivery-limit"] = DeliveryLimit,
            ["x-dead-letter-exchange"] = TelemetryTopology.DeadLetters,
            ["x-dead-letter-strategy"] = "at-least-once",
            ["x-overflow"] = "reject-publish",
        };
        await TelemetryTopology.DeclareAsync(channel, queue, arguments, cancellationToken).ConfigureAwait(false);
        await channel
            .QueueBindAsync(queue, Responses, $"responses.{tenant.Value}.#", cancellationToken: cancellationToken)
            .ConfigureAwait(false);
    }

    public static Task PrepareExchangeAsync(IChannel channel, string exchange, bool declares, CancellationToken cancellationToken) =>
        declares
            ? channel.ExchangeDeclareAsync(exchange, ExchangeType.Topic, durable: true, cancellationToken: cancellationToken)
            : channel.ExchangeDeclarePassiveAsync(exchange, cancellationToken);
}
