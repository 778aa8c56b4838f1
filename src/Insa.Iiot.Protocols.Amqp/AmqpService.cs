using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Amqp;

/// <summary>Keeps the queues of telemetry consumed, as they are wanted, virtual host by virtual host.</summary>
internal sealed class AmqpService(
    BrokerConnector connector,
    IOptions<AmqpOptions> options,
    BindingDirectory bindings,
    IReplies replies,
    BrokerHealth health,
    AmqpMetrics metrics,
    TimeProvider time,
    ILogger<AmqpService> logger,
    ITelemetryIngress? ingress = null,
    IDeviceRegistry? registry = null
) : BackgroundService
{
    public override Task StartAsync(CancellationToken cancellationToken) =>
        !bindings.IsWanted ? Task.CompletedTask
        : ingress is null || registry is null
            ? throw new InvalidOperationException(
                "Amqp:Telemetry, Amqp:Frames and binding sources take AddIngestion() and a store's device registry in the host."
            )
        : base.StartAsync(cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var context = new ConsumerContext(ingress!, registry!, replies, metrics, time, logger);
        var consumers = new Dictionary<string, VirtualHostConsumer>(StringComparer.Ordinal);
        var running = new List<Task>();
        try
        {
            while (true)
            {
                var wanted = (await bindings.ReadAsync(stoppingToken).ConfigureAwait(false)).ToLookup(queue => queue.VirtualHost);
                foreach (var virtualHost in wanted.Select(group => group.Key).Where(name => !consumers.ContainsKey(name)))
                {
                    var consumer = new VirtualHostConsumer(virtualHost, connector, options.Value, context, health);
                    consumers.Add(virtualHost, consumer);
                    running.Add(Task.Run(() => consumer.RunAsync(stoppingToken), CancellationToken.None));
                }

                foreach (var (virtualHost, consumer) in consumers)
                    consumer.Want([.. wanted[virtualHost]]);
                if (!bindings.IsChanging)
                    break;
                await Task.Delay(options.Value.BindingsInterval, time, stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The consumers drain.
        }

        await Task.WhenAll(running).ConfigureAwait(false);
    }
}
