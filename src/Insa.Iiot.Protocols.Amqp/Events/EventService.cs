using Insa.Iiot.Protocols.Amqp.Publishing;
using Insa.Iiot.Protocols.Amqp.Topology;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Amqp.Events;

/// <summary>Sends the events of the outbox.</summary>
internal sealed class EventService(
    IOptions<AmqpOptions> options,
    EventPublisher events,
    PublisherContext context,
    ILogger<EventService> logger
) : BackgroundService
{
    public override Task StartAsync(CancellationToken cancellationToken) =>
        options.Value.Events is null ? Task.CompletedTask
        : events.Outbox is null ? throw new InvalidOperationException("Amqp:Events takes a store with an IControlStore in the host.")
        : base.StartAsync(cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var settings = options.Value.Events!;
        var publisher = new BrokerPublisher(
            context,
            settings.VirtualHost ?? context.Connector.DefaultVirtualHost,
            "events",
            EventTopology.PrepareAsync,
            timeout: EventSender.PublishTimeout,
            isEager: true
        );
        var sender = new EventSender(events.Outbox!, publisher, settings.Source!.OriginalString, context, logger);
        events.Added = sender.Note;
        var running = sender.RunAsync(stoppingToken);
        await Task.Delay(Timeout.Infinite, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        events.Added = null;

        // What is on its way is confirmed first, for its sender to note it.
        await publisher.DisposeAsync().ConfigureAwait(false);
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
