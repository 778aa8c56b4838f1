using System.Globalization;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Topology;

/// <summary>The exchange and the queues between hosts that take telemetry and hosts that write it.</summary>
internal static class FrameTopology
{
    public const string Exchange = "iiot.frames";

    /// <summary>
    /// How often a message is delivered before it is a dead letter. A writer that ends, or whose store is away for half an hour, counts as one: this is for
    /// a message that ends the process that reads it, and must not be reached by weeks of trouble.
    /// </summary>
    public const int DeliveryLimit = 1000;

    private const string KeyPrefix = "frames.";

    public static string QueueOf(int partition) => string.Create(CultureInfo.InvariantCulture, $"iiot.frames.{partition}");

    public static string KeyOf(int partition, TenantId tenant) =>
        string.Create(CultureInfo.InvariantCulture, $"{KeyPrefix}{partition}.{tenant}");

    /// <summary>The tenant of a routing key.</summary>
    /// <returns>Empty if it is none of this partition.</returns>
    public static ReadOnlySpan<char> TenantOf(int partition, ReadOnlySpan<char> routingKey)
    {
        if (!routingKey.StartsWith(KeyPrefix))
            return default;
        var rest = routingKey[KeyPrefix.Length..];
        var dot = rest.IndexOf('.');
        return dot > 0 && int.TryParse(rest[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number == partition
            ? rest[(dot + 1)..]
            : default;
    }

    public static async Task PrepareAsync(IChannel channel, int partitions, bool declares, CancellationToken cancellationToken)
    {
        if (!declares)
        {
            await channel.ExchangeDeclarePassiveAsync(Exchange, cancellationToken).ConfigureAwait(false);
            for (var i = 0; i < partitions; i++)
                await channel.QueueDeclarePassiveAsync(QueueOf(i), cancellationToken).ConfigureAwait(false);
            return;
        }

        await TelemetryTopology.DeclareDeadLettersAsync(channel, cancellationToken).ConfigureAwait(false);
        await channel
            .ExchangeDeclareAsync(Exchange, ExchangeType.Topic, durable: true, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        for (var i = 0; i < partitions; i++)
        {
            await TelemetryTopology.DeclareAsync(channel, QueueOf(i), Arguments(), cancellationToken).ConfigureAwait(false);
            await channel
                .QueueBindAsync(
                    QueueOf(i),
                    Exchange,
                    string.Create(CultureInfo.InvariantCulture, $"{KeyPrefix}{i}.#"),
                    cancellationToken: cancellationToken
                )
                .ConfigureAwait(false);
        }
    }

    private static Dictionary<string, object?> Arguments() =>
        new()
        {
            ["x-queue-type"] = "quorum",

            // Writers stand by for each other, and one at a time keeps the order.
            ["x-single-active-consumer"] = true,
            ["x-delivery-limit"] = DeliveryLimit,
            ["x-dead-letter-exchange"] = TelemetryTopology.DeadLetters,

            // What is rejected must not be lost on its way to the dead letters, which takes publishers to be refused when it is full.
            ["x-dead-letter-strategy"] = "at-least-once",
            ["x-overflow"] = "reject-publish",
        };
}
