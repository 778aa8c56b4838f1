using System.Net;
using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>A device that publishes to the broker, persistent, with 64 messages unconfirmed. What the broker has confirmed is acknowledged.</summary>
internal sealed class AmqpLoadDevice(string id, Uri broker, DateTimeOffset start) : ILoadDevice
{
    private const string Exchange = "iiot.telemetry.default";
    private const int Window = 64;

    public string Id => id;

    public int Acknowledged { get; private set; }

    public int Sent { get; private set; }

    public DateTimeOffset TimeOf(int reading) => start.AddMilliseconds(reading);

    /// <summary>Publishes until it is stopped: the broker stays.</summary>
    public async Task RunAsync(IPEndPoint endpoint, Action<int> acknowledged, CancellationToken stop = default)
    {
        var factory = new ConnectionFactory { Uri = broker, AutomaticRecoveryEnabled = false };
        await using var connection = await factory.CreateConnectionAsync(CancellationToken.None);
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(true, true, new ThrottlingRateLimiter(2 * Window), 1),
            CancellationToken.None
        );
        var window = new Queue<Task>();
        try
        {
            for (var next = Acknowledged; !stop.IsCancellationRequested || window.Count > 0; )
            {
                if (!stop.IsCancellationRequested && window.Count < Window)
                {
                    Sent = Math.Max(Sent, next + 1);
                    window.Enqueue(PublishAsync(channel, next++));
                    continue;
                }

                await window.Dequeue();
                Acknowledged++;
                acknowledged(1);
            }
        }
        catch (Exception e) when (e is AlreadyClosedException or OperationInterruptedException or PublishException)
        {
            // The broker went away, and what it has not confirmed is published again.
            await Task.WhenAll(window).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Task PublishAsync(IChannel channel, int reading) =>
        channel
            .BasicPublishAsync(
                Exchange,
                $"telemetry.{id}",
                mandatory: true,
                new BasicProperties { DeliveryMode = DeliveryModes.Persistent },
                Encoding.ASCII.GetBytes($$$"""{"data":{"n":{{{reading}}}},"timestamp":{{{TimeOf(reading).ToUnixTimeMilliseconds()}}}}""")
            )
            .AsTask();
}
