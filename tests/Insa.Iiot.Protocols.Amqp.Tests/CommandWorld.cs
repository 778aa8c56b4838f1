using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>A host with commands for one tenant of its own, and devices that are plain clients of the broker.</summary>
internal sealed class CommandWorld : ITelemetrySink, IAsyncDisposable
{
    public static readonly DeviceId Press = DeviceId.Parse("press");
    public static readonly DeviceId Saw = DeviceId.Parse("saw.2");

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static int _worlds;

    private readonly Uri _uri;
    private readonly string _folder;
    private readonly List<IConnection> _connections = [];
    private readonly IHost _host;

    private CommandWorld(Uri uri, Action<IServiceCollection>? configure)
    {
        _uri = uri;
        _folder = Directory.CreateTempSubdirectory("iiot-amqp-commands-").FullName;
        Tenant = TenantId.Parse($"plant-{Environment.ProcessId}-{Interlocked.Increment(ref _worlds)}");
        _host = Build(configure);
        Refusals = new MetricCollector<long>(
            Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(),
            "Insa.Iiot.Protocols.Amqp",
            "insa.iiot.amqp.refusals"
        );
    }

    public TenantId Tenant { get; }

    public FakeLoggerProvider Logs { get; } = new();

    public MetricCollector<long> Refusals { get; }

    public IServiceProvider Services => _host.Services;

    public IDeviceCommands Commands => Services.GetRequiredService<IDeviceCommands>();

    public int MaxConcurrentWrites => 1;

    public static async Task<CommandWorld> StartAsync(
        Uri uri,
        Func<CommandWorld, Task>? before = null,
        Action<IServiceCollection>? configure = null
    )
    {
        var world = new CommandWorld(uri, configure);
        var registry = world.Services.GetRequiredService<IDeviceRegistry>();
        await registry.AddAsync(world.Tenant, new Device { Id = Press });
        await registry.AddAsync(world.Tenant, new Device { Id = Saw });
        if (before is not null)
            await before(world);
        await world._host.StartAsync();
        await world.WaitForLogAsync(4034); // answers are consumed
        await world.WaitForLogAsync(4010); // and commands can be sent
        return world;
    }

    public async Task<DeviceCommand> SendAsync(
        DeviceId device,
        string name,
        string data = "",
        bool needsAnswer = false,
        TimeSpan? lifetime = null
    ) =>
        await Commands.SendAsync(
            Tenant,
            device,
            new DeviceCommandRequest
            {
                Name = name,
                Data = Encoding.UTF8.GetBytes(data),
                NeedsAnswer = needsAnswer,
                Lifetime = lifetime ?? TimeSpan.FromHours(1),
            }
        );

    /// <summary>Binds a queue for a device; the messages are what comes of it.</summary>
    public async Task<ChannelReader<BasicDeliverEventArgs>> ListenAsync(DeviceId device)
    {
        var channel = await ConnectAsync();
        var queue = $"{Tenant}.{device}.listener";
        await channel.QueueDeclareAsync(
            queue,
            durable: true,
            exclusive: false,
            autoDelete: false,
            new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }
        );
        await channel.QueueBindAsync(queue, "iiot.commands", $"commands.{Tenant}.{device}");
        var found = Channel.CreateUnbounded<BasicDeliverEventArgs>();
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            var copy = new BasicDeliverEventArgs(
                delivery.ConsumerTag,
                delivery.DeliveryTag,
                delivery.Redelivered,
                delivery.Exchange,
                delivery.RoutingKey,
                delivery.BasicProperties,
                delivery.Body.ToArray()
            );
            await found.Writer.WriteAsync(copy);
            await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        };
        await channel.BasicConsumeAsync(queue, autoAck: false, consumer);
        return found.Reader;
    }

    /// <summary>Reads the next message, or fails when none comes.</summary>
    public static async Task<BasicDeliverEventArgs> ReadAsync(ChannelReader<BasicDeliverEventArgs> reader)
    {
        using var patience = new CancellationTokenSource(Patience);
        return await reader.ReadAsync(patience.Token);
    }

    /// <summary>Answers as a device does, and returns when the broker has the answer.</summary>
    public async Task AnswerAsync(
        string correlationId,
        string body,
        DeviceId? device = null,
        string? routingKey = null,
        object? success = null,
        string? contentType = null,
        Uri? login = null
    )
    {
        var channel = await ConnectAsync(confirms: true, login);
        var properties = new BasicProperties { CorrelationId = correlationId, ContentType = contentType };
        if (success is not null)
            properties.Headers = new Dictionary<string, object?> { ["iiot-success"] = success };
        var key = routingKey ?? $"responses.{Tenant}.{device ?? Press}";
        await channel.BasicPublishAsync("iiot.responses", key, mandatory: true, properties, Encoding.UTF8.GetBytes(body));
    }

    public Task<DeviceCommand> WaitForStateAsync(DeviceCommand command, DeviceCommandState state) =>
        WaitForAsync(async () =>
        {
            var found = await Commands.FindAsync(Tenant, command.Device, command.Id);
            return found?.State == state ? found : null;
        });

    public Task WaitForRefusalAsync(string reason) =>
        WaitForAsync(() =>
            Task.FromResult(Refusals.GetMeasurementSnapshot().Any(one => (string?)one.Tags["reason"] == reason) ? reason : null)
        );

    public Task WaitForLogAsync(int id, int count = 1) =>
        WaitForAsync(() => Task.FromResult(Logs.Collector.GetSnapshot().Count(record => record.Id.Id == id) >= count ? "" : null));

    public static async Task<T> WaitForAsync<T>(Func<Task<T?>> look)
        where T : class
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            if (await look() is { } found)
                return found;
            await Task.Delay(20, patience.Token);
        }
    }

    public async Task<IChannel> ConnectAsync(bool confirms = false, Uri? login = null)
    {
        var connection = await new ConnectionFactory { Uri = login ?? _uri, AutomaticRecoveryEnabled = false }.CreateConnectionAsync();
        _connections.Add(connection);
        return await connection.CreateChannelAsync(new CreateChannelOptions(confirms, confirms));
    }

    public Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken) => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        foreach (var connection in _connections)
            await connection.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private IHost Build(Action<IServiceCollection>? configure)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddProvider(Logs).SetMinimumLevel(LogLevel.Trace);
        builder.Services.AddSingleton<ITelemetrySink>(this);
        builder
            .Services.AddIiot()
            .AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "iiot.db"))
            .AddIngestion()
            .AddCommands()
            .AddAmqp(amqp =>
            {
                amqp.Uri = _uri;
                amqp.MaxReconnectDelay = TimeSpan.FromSeconds(1);
                amqp.Commands.Add(new AmqpCommandBinding { Tenant = Tenant, RetryInterval = TimeSpan.FromSeconds(1) });
            });
        configure?.Invoke(builder.Services);
        return builder.Build();
    }
}
