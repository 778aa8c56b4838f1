using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Publishing;
using Insa.Iiot.Protocols.Amqp.Topology;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Amqp.Commands;

/// <summary>Sends the commands of the tenants that are bound, and takes their answers.</summary>
internal sealed class CommandService(
    IOptions<AmqpOptions> options,
    PublisherContext publishing,
    ILogger<CommandService> logger,
    IDeviceCommands? commands = null,
    IDeviceRegistry? registry = null
) : BackgroundService
{
    public override Task StartAsync(CancellationToken cancellationToken) =>
        options.Value.Commands.Count == 0 ? Task.CompletedTask
        : commands is null || registry is null
            ? throw new InvalidOperationException("Amqp:Commands takes AddCommands() and a store's device registry in the host.")
        : base.StartAsync(cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var context = new CommandContext(
            commands!,
            registry!,
            options.Value,
            publishing.Connector,
            publishing.Health,
            publishing.Metrics,
            publishing.Time,
            logger
        );
        var running = new List<Task>();
        var publishers = new List<BrokerPublisher>();
        var senders = new Dictionary<TenantId, CommandSender>();
        foreach (var host in options.Value.Commands.GroupBy(VirtualHostOf, StringComparer.Ordinal))
        {
            var publisher = new BrokerPublisher(publishing, host.Key, "commands", CommandTopology.PrepareCommandsAsync, isEager: true);
            publishers.Add(publisher);
            foreach (var binding in host)
                senders.Add(binding.Tenant, new CommandSender(binding, publisher, context));
            var link = new ResponseLink(host.Key, [.. host.Select(binding => new ResponseConsumer(binding, context))], context);
            running.Add(link.RunAsync(stoppingToken));
        }

        // Before the walk, so that nothing falls between.
        commands!.Changed += Note;
        running.AddRange(senders.Values.Select(sender => sender.RunAsync(stoppingToken)));
        await Task.Delay(Timeout.Infinite, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        commands.Changed -= Note;

        // What is on its way is confirmed first, for its sender to note it.
        await Task.WhenAll(publishers.Select(publisher => publisher.DisposeAsync().AsTask())).ConfigureAwait(false);
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        void Note(TenantId tenant, DeviceId device)
        {
            if (senders.TryGetValue(tenant, out var sender))
                sender.Note(device);
        }
    }

    private string VirtualHostOf(AmqpCommandBinding binding) => binding.VirtualHost ?? publishing.Connector.DefaultVirtualHost;
}
