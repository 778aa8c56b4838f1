using Insa.Iiot.Protocols.Amqp.Telemetry;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Topology;

/// <summary>The exchanges and queues of telemetry: declared, which changes nothing where they are as they should be, or looked for.</summary>
internal static class TelemetryTopology
{
    public const string DeadLetters = "iiot.dead-letters";

    public static async Task PrepareAsync(IChannel channel, TelemetryBinding binding, bool declares, CancellationToken cancellationToken)
    {
        if (!declares)
        {
            await channel.QueueDeclarePassiveAsync(binding.Queue, cancellationToken).ConfigureAwait(false);
            return;
        }

        await DeclareDeadLettersAsync(channel, cancellationToken).ConfigureAwait(false);
        await channel
            .ExchangeDeclareAsync(binding.Exchange, ExchangeType.Topic, durable: true, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        await DeclareAsync(channel, binding.Queue, ArgumentsOf(binding), cancellationToken).ConfigureAwait(false);
        await channel
            .QueueBindAsync(binding.Queue, binding.Exchange, binding.RoutingKey, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Declares the exchange and the queue of what is rejected.</summary>
    public static async Task DeclareDeadLettersAsync(IChannel channel, CancellationToken cancellationToken)
    {
        await channel
            .ExchangeDeclareAsync(DeadLetters, ExchangeType.Topic, durable: true, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        await DeclareAsync(channel, DeadLetters, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }, cancellationToken)
            .ConfigureAwait(false);
        await channel.QueueBindAsync(DeadLetters, DeadLetters, "#", cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    public static Task<QueueDeclareOk> DeclareAsync(
        IChannel channel,
        string queue,
        Dictionary<string, object?> arguments,
        CancellationToken cancellationToken
    ) =>
        channel.QueueDeclareAsync(
            queue,
            durable: true,
            exclusive: false,
            autoDelete: false,
            arguments,
            cancellationToken: cancellationToken
        );

    private static Dictionary<string, object?> ArgumentsOf(TelemetryBinding binding)
    {
        var arguments = new Dictionary<string, object?> { ["x-dead-letter-exchange"] = DeadLetters };
        if (binding.MaxMessages is { } messages)
            arguments["x-max-length"] = messages;
        if (binding.MaxBytes is { } bytes)
            arguments["x-max-length-bytes"] = bytes;
        if (binding.MaxMessages is not null || binding.MaxBytes is not null)
            arguments["x-overflow"] = "reject-publish";
        if (binding.QueueType == AmqpQueueType.Classic)
            return arguments;
        arguments["x-queue-type"] = "quorum";
        arguments["x-delivery-limit"] = binding.DeliveryLimit;

        // What is rejected must not be lost on its way to the dead letters; that takes publishers to be refused, and not the oldest dropped, when it is full.
        arguments["x-dead-letter-strategy"] = "at-least-once";
        arguments["x-overflow"] = "reject-publish";
        return arguments;
    }
}
