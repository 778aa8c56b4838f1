using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>A host that consumes a queue of its own, with devices in a file and a sink in memory that can hold and fail its commits.</summary>
internal sealed class AmqpWorld : ITelemetrySink, IAsyncDisposable
{
    public static readonly TenantId Plant = TenantId.Parse("plant");
    public static readonly DeviceId Press = DeviceId.Parse("press");

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static int _worlds;

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-amqp-").FullName;
    private readonly IHost _host;
    private volatile TaskCompletionSource _gate = new();
    private volatile TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IConnection? _connection;
    private IChannel? _channel;

    private AmqpWorld(Uri uri, Action<AmqpOptions>? configure, bool isStored, IAmqpBindingSource? source)
    {
        _gate.SetResult();
        Uri = uri;
        Queue = $"iiot.test.{Interlocked.Increment(ref _worlds)}.{Environment.ProcessId}";
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddProvider(Logs).SetMinimumLevel(LogLevel.Trace);
        if (source is not null)
            builder.Services.AddSingleton(source);
        if (!isStored)
            builder.Services.AddSingleton<ITelemetrySink>(this);
        builder
            .Services.AddIiot()
            .AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "iiot.db"))
            .AddIngestion()
            .AddAmqp(amqp =>
            {
                amqp.Uri = uri;
                amqp.Telemetry.Add(
                    new AmqpTelemetryBinding
                    {
                        Queue = Queue,
                        Tenant = Plant,
                        Exchange = Queue,
                    }
                );
                configure?.Invoke(amqp);
            });
        _host = builder.Build();
    }

    public Uri Uri { get; }

    public string Queue { get; }

    public FakeLoggerProvider Logs { get; } = new();

    public ConcurrentQueue<(string Tenant, string Device, string Metric, TelemetryValue Value)> Stored { get; } = new();

    public IServiceProvider Services => _host.Services;

    public IDeviceRegistry Registry => Services.GetRequiredService<IDeviceRegistry>();

    public int MaxConcurrentWrites => 1;

    /// <summary>Completes when a write has begun since commits are held.</summary>
    public Task HeldWrite => _begun.Task;

    public IChannel Channel => _channel!;

    /// <param name="uri">The broker, for the host and for the test's publisher.</param>
    /// <param name="configure">Changes the options.</param>
    /// <param name="isStored">Whether commits are SQLite's, which keeps what comes twice once.</param>
    /// <param name="source">Names further queues.</param>
    /// <param name="isReachable">Whether to wait until the host consumes.</param>
    public static async Task<AmqpWorld> StartAsync(
        Uri uri,
        Action<AmqpOptions>? configure = null,
        bool isStored = false,
        IAmqpBindingSource? source = null,
        bool isReachable = true
    )
    {
        var world = new AmqpWorld(uri, configure, isStored, source);
        var registry = world.Registry;
        await registry.AddAsync(Plant, new Device { Id = Press });
        await registry.AddAsync(Plant, new Device { Id = DeviceId.Parse("gate") });
        await registry.AddAsync(Plant, new Device { Id = DeviceId.Parse("pump"), Gateway = DeviceId.Parse("gate") });
        await registry.AddAsync(Plant, new Device { Id = DeviceId.Parse("saw"), State = DeviceState.Disabled });
        await world._host.StartAsync();
        if (isReachable)
            await world.WaitForLogAsync(4000);
        await world.ConnectAsync();
        return world;
    }

    /// <summary>Connects the test's own publisher.</summary>
    public async Task ConnectAsync()
    {
        _connection = await new ConnectionFactory
        {
            Uri = Uri,
            AutomaticRecoveryEnabled = false,
            MaxInboundMessageBodySize = 512 * 1024 * 1024, // there are large ones among the dead letters
        }.CreateConnectionAsync();
        _channel = await _connection.CreateChannelAsync(new CreateChannelOptions(true, true));
    }

    /// <summary>The numbers that are stored for the press, each as often as it is there.</summary>
    public async Task<List<int>> ReadNumbersAsync()
    {
        var numbers = new List<int>();
        var query = new TelemetryQuery { Device = Press, Limit = 1_000_000 };
        await foreach (var point in Services.GetRequiredService<ITelemetryReader>().ReadAsync(Plant, query))
            numbers.Add((int)point.Value.AsDouble());
        return numbers;
    }

    public void HoldCommits()
    {
        _begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public void ReleaseCommits() => _gate.TrySetResult();

    public Task PublishAsync(string json, string routingKey = "telemetry.press", Action<BasicProperties>? adjust = null)
    {
        var properties = new BasicProperties { DeliveryMode = DeliveryModes.Persistent };
        adjust?.Invoke(properties);
        return _channel!.BasicPublishAsync(Queue, routingKey, mandatory: true, properties, Encoding.UTF8.GetBytes(json)).AsTask();
    }

    public Task WaitForStoredAsync(int count) => UntilAsync(() => Task.FromResult(Stored.Count >= count));

    public int CountLogs(int id) => Logs.Collector.GetSnapshot().Count(record => record.Id.Id == id);

    public async Task WaitForLogAsync(int id, int count = 1)
    {
        try
        {
            await UntilAsync(() => Task.FromResult(CountLogs(id) >= count));
        }
        catch (OperationCanceledException)
        {
            var last = Logs.Collector.GetSnapshot().Where(record => record.Id.Id / 1000 == 4).TakeLast(20);
            Assert.Fail(
                $"{id} was not logged {count} times, but: {string.Join(Environment.NewLine, last.Select(record => record.ToString()))}"
            );
        }
    }

    /// <summary>Waits until no message is in the queue, waiting or on its way.</summary>
    public Task WaitForEmptyAsync(string? queue = null) => WaitForCountAsync(queue ?? Queue, 0);

    /// <summary>Waits until so many messages are in a queue, waiting or on their way.</summary>
    public Task WaitForCountAsync(string queue, int count) =>
        UntilAsync(async () =>
        {
            // What is on its way to a consumer is counted by the broker's control program alone.
            string lines;
            try
            {
                lines = await BrokerOf(Uri).ControlAsync("list_queues", "-q", "--no-table-headers", "name", "messages");
            }
            catch (InvalidOperationException)
            {
                return false; // a node that has much to do may not answer it in time
            }

            var line = lines.Split('\n').Select(one => one.Split('\t')).FirstOrDefault(one => one[0] == queue);
            return line is [_, var messages] && messages.Trim() == count.ToString(System.Globalization.CultureInfo.InvariantCulture);
        });

    /// <summary>The bodies of the dead letters of this world's queue, taken from the broker.</summary>
    public async Task<List<string>> TakeDeadLettersAsync(int count)
    {
        var found = new List<string>();
        await UntilAsync(async () =>
        {
            // Other worlds have theirs in the same queue: they get them back, but not before ours behind them are found.
            List<ulong> others = [];
            while (await _channel!.BasicGetAsync(DeadLetterQueue, autoAck: false) is { } letter)
            {
                if (letter.Exchange == Peers.DeadLetters && LastQueueOf(letter) == Queue)
                {
                    found.Add(Encoding.UTF8.GetString(letter.Body.Span));
                    await _channel.BasicAckAsync(letter.DeliveryTag, multiple: false);
                }
                else
                {
                    others.Add(letter.DeliveryTag);
                }
            }

            foreach (var tag in others)
                await _channel.BasicNackAsync(tag, multiple: false, requeue: true);
            return found.Count >= count;
        });
        return found;
    }

    public async Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        _begun.TrySetResult();
        await _gate.Task.WaitAsync(cancellationToken);
        foreach (var chunk in batch.Chunks)
        {
            for (var i = 0; i < chunk.FrameCount; i++)
            {
                for (var v = 0; v < chunk[i].Count; v++)
                    Stored.Enqueue((chunk.Tenant.Value, chunk[i].Device.Value, chunk[i].Layout.Metrics[v], chunk[i].GetValue(v)));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        ReleaseCommits();
        await _host.StopAsync();
        _host.Dispose();
        if (_connection is not null)
            await _connection.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private const string DeadLetterQueue = "iiot.dead-letters";

    private static class Peers
    {
        public const string DeadLetters = "iiot.dead-letters";
    }

    private static Insa.Iiot.Peers.RabbitMqBroker BrokerOf(Uri uri) =>
        Current.GetValueOrDefault(uri.Port) ?? throw new InvalidOperationException();

    /// <summary>The brokers of the tests by their port.</summary>
    public static ConcurrentDictionary<int, Insa.Iiot.Peers.RabbitMqBroker> Current { get; } = new();

    private static string? LastQueueOf(BasicGetResult letter) =>
        letter.BasicProperties.Headers?.TryGetValue("x-first-death-queue", out var queue) == true && queue is byte[] name
            ? Encoding.UTF8.GetString(name)
            : null;

    /// <summary>Waits until something is so.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await condition())
            await Task.Delay(20, patience.Token);
    }
}
