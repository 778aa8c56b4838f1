using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Hosting;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>Hosts over one store that take no telemetry, and subscribers of the broker.</summary>
internal sealed class EventWorld : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static int _worlds;

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-amqp-events-").FullName;
    private readonly List<IHost> _hosts = [];
    private readonly List<IConnection> _connections = [];
    private readonly int _number = Interlocked.Increment(ref _worlds);

    /// <summary>A tenant of this world.</summary>
    public TenantId Tenant(int number) => TenantId.Parse($"events-{Environment.ProcessId}-{_number}-{number}");

    /// <summary>Makes a host; its events are sent once it is started.</summary>
    public IHost Make(Uri broker, Action<AmqpOptions>? configure = null, TimeProvider? time = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder
            .Services.AddIiot()
            .AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "iiot.db"))
            .AddAmqp(amqp =>
            {
                amqp.Uri = broker;
                amqp.MaxReconnectDelay = TimeSpan.FromSeconds(1);
                amqp.Events = new AmqpEventOptions { Source = new Uri("https://iiot.example.com") };
                configure?.Invoke(amqp);
            });
        var host = builder.Build();
        _hosts.Add(host);
        return host;
    }

    public async Task<IHost> StartAsync(Uri broker, Action<AmqpOptions>? configure = null, TimeProvider? time = null)
    {
        var host = Make(broker, configure, time);
        await host.StartAsync();
        return host;
    }

    public Task PublishAsync(IHost host, string type, int number = 1, string? id = null, string data = "") =>
        host
            .Services.GetRequiredService<IEventPublisher>()
            .PublishAsync(
                new PlatformEvent
                {
                    Tenant = Tenant(number),
                    Type = type,
                    Time = new DateTime(2026, 11, 26, 12, 30, 0, 125, DateTimeKind.Utc),
                    Id = id,
                    Subject = "press",
                    DataContentType = data.Length == 0 ? null : "application/json",
                    Data = Encoding.UTF8.GetBytes(data),
                }
            )
            .AsTask();

    /// <summary>Binds a queue to events of this world's tenants.</summary>
    public async Task<Subscriber> SubscribeAsync(Uri broker, string pattern, int number = 1)
    {
        var connection = await new ConnectionFactory { Uri = broker, AutomaticRecoveryEnabled = false }.CreateConnectionAsync();
        _connections.Add(connection);
        var channel = await connection.CreateChannelAsync();
        var queue = $"{Tenant(number)}.{pattern}";
        await channel.ExchangeDeclareAsync("iiot.events", ExchangeType.Topic, durable: true);
        await channel.QueueDeclareAsync(
            queue,
            durable: true,
            exclusive: false,
            autoDelete: false,
            new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }
        );
        await channel.QueueBindAsync(queue, "iiot.events", $"events.{Tenant(number)}.{pattern}");
        return new Subscriber(channel, queue);
    }

    public static MetricCollector<long> Dropped(IHost host) =>
        new(
            host.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(),
            "Insa.Iiot.Protocols.Amqp",
            "insa.iiot.amqp.events.dropped"
        );

    /// <summary>Waits until the outbox of a tenant is empty.</summary>
    public Task WaitForEmptyAsync(IHost host, int number = 1) =>
        CommandWorld.WaitForAsync(async () =>
        {
            var store = host.Services.GetRequiredService<IControlStore>();
            var head = await store.FindAsync(ControlScope.Platform, "event-outbox", Tenant(number).Value);
            return head is null ? "" : null;
        });

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.StopAsync();
            host.Dispose();
        }

        foreach (var connection in _connections)
            await connection.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    public static IEnumerable<string> Names(string prefix, int count) =>
        Enumerable.Range(0, count).Select(i => prefix + i.ToString("d4", CultureInfo.InvariantCulture));

    /// <summary>Takes messages from a queue.</summary>
    internal sealed class Subscriber(IChannel channel, string queue)
    {
        public async Task<BasicGetResult> TakeAsync()
        {
            using var patience = new CancellationTokenSource(Patience);
            while (true)
            {
                if (await channel.BasicGetAsync(queue, autoAck: true, patience.Token) is { } message)
                    return message;
                await Task.Delay(10, patience.Token);
            }
        }

        public async Task<List<string>> TakeIdsAsync(int count)
        {
            var found = new List<string>();
            while (found.Count < count)
                found.Add((await TakeAsync()).BasicProperties.MessageId!);
            return found;
        }
    }
}
