using System.Globalization;
using System.Text;
using Insa.Iiot.Peers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Tests.Frames;

/// <summary>A host that takes telemetry, hosts that write it to one file, and a virtual host of the broker between them.</summary>
internal sealed class FrameWorld : IAsyncDisposable
{
    public static readonly TenantId Plant = TenantId.Parse("plant");
    public static readonly TenantId Other = TenantId.Parse("other");
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private static int _worlds;

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-frames-").FullName;
    private readonly Action<AmqpFramesOptions>? _configureFrames;
    private readonly List<IHost> _writers = [];
    private readonly IHost _adapter;
    private readonly string _virtualHost;

    private FrameWorld(RabbitMqBroker broker, Action<AmqpTelemetrySinkOptions>? configureSink, Action<AmqpFramesOptions>? configureFrames)
    {
        (Broker, _configureFrames) = (broker, configureFrames);
        _virtualHost = $"world{Interlocked.Increment(ref _worlds)}";
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddProvider(AdapterLogs).SetMinimumLevel(LogLevel.Trace);
        builder
            .Services.AddIiot()
            .AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "adapter.db"))
            .AddIngestion()
            .AddAmqp(amqp =>
            {
                amqp.Uri = AdapterUri ?? Uri;
                amqp.DeclaresTopology = AdapterUri is null;
            })
            .AddAmqpTelemetrySink(configureSink);
        _adapter = builder.Build();
    }

    public RabbitMqBroker Broker { get; }

    public Uri Uri => UriOf("guest", "guest");

    /// <summary>The host that takes telemetry as a user of its own, to be set before it starts.</summary>
    public Uri? AdapterUri { get; private set; }

    /// <summary>The writer as a user of its own.</summary>
    public Uri? WriterUri { get; private set; }

    public FakeLoggerProvider AdapterLogs { get; } = new();

    public FakeLoggerProvider WriterLogs { get; } = new();

    /// <summary>Holds the commits of all writers that were started since it was made.</summary>
    public FrameGate Gate { get; private set; } = new();

    public IServiceProvider Adapter => _adapter.Services;

    public IServiceProvider Writer => _writers[^1].Services;

    public static async Task<FrameWorld> StartAsync(
        RabbitMqBroker broker,
        Action<AmqpTelemetrySinkOptions>? sink = null,
        Action<AmqpFramesOptions>? frames = null,
        bool startsWriter = true,
        bool hasUsers = false
    )
    {
        var world = new FrameWorld(broker, sink, frames);
        await world.Broker.ControlAsync(
            "eval",
            $$"""
            rabbit_vhost:add(<<"{{world._virtualHost}}">>, <<"tests">>),
            rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"{{world._virtualHost}}">>, <<".*">>, <<".*">>, <<".*">>, <<"tests">>).
            """
        );
        if (hasUsers)
            await world.MakeUsersAsync();
        if (startsWriter)
            await world.StartWriterAsync();
        await world._adapter.StartAsync();
        return world;
    }

    /// <summary>Starts a writer beside those there are.</summary>
    public async Task StartWriterAsync()
    {
        Gate = new FrameGate();
        var gate = Gate;
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddProvider(WriterLogs).SetMinimumLevel(LogLevel.Trace);
        var services = builder.Services;
        services.AddIiot().AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "writer.db"));
        var store = services.Single(service => service.ServiceType == typeof(ITelemetrySink)).ImplementationType!;
        services.Replace(
            ServiceDescriptor.Singleton<ITelemetrySink>(provider => new GatedSink(
                (ITelemetrySink)ActivatorUtilities.CreateInstance(provider, store),
                gate
            ))
        );
        services
            .AddIiot()
            .AddIngestion()
            .AddAmqp(amqp =>
            {
                amqp.Uri = WriterUri ?? Uri;
                amqp.Frames = new AmqpFramesOptions();
                _configureFrames?.Invoke(amqp.Frames);
                if (AdapterUri is not null)
                    amqp.Frames.TrustedUsers.Add(AdapterUri.UserInfo.Split(':')[0]);
            });
        var host = builder.Build();
        _writers.Add(host);
        var before = CountOfLog(WriterLogs, 4000);
        await host.StartAsync();
        await UntilAsync(() => Task.FromResult(CountOfLog(WriterLogs, 4000) > before));
    }

    /// <summary>Ends a writer without letting it settle anything.</summary>
    public async Task EndWriterAsync(int index = 0)
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _writers[index].StopAsync(now.Token);
        _writers[index].Dispose();
        _writers.RemoveAt(index);
    }

    public ValueTask<IReadOnlyList<DeadLetter>> ListDeadLettersAsync() =>
        Writer.GetRequiredService<IDeadLetterStore>().ListAsync(Plant, 0, 100);

    /// <summary>A device sends a reading to the host that takes it.</summary>
    /// <returns>What the device is told, when it is.</returns>
    public Task<IngestReason> SendAsync(int n, string device = "press", TenantId? tenant = null) =>
        SendAsync(string.Create(CultureInfo.InvariantCulture, $$$"""{"data":{"n":{{{n}}}},"timestamp":{{{TimeOf(n)}}}}"""), device, tenant);

    public async Task<IngestReason> SendAsync(string json, string device = "press", TenantId? tenant = null)
    {
        var ingress = Adapter.GetRequiredService<ITelemetryIngress>();
        var session = new DeviceSession(tenant ?? Plant, DeviceId.Parse(device));
        while (true)
        {
            var receipt = ingress.Submit(session, new TelemetryMessage(PayloadFormat.Json, Encoding.UTF8.GetBytes(json)));
            if (receipt.Status == IngestStatus.Busy)
                await ingress.WaitForCapacityAsync(session);
            else
                return receipt.Commit is null ? receipt.Reason : receipt.Settle(await receipt.Commit);
        }
    }

    /// <summary>The readings that are stored, in the order of their times.</summary>
    public async Task<List<double>> ReadAsync(string device = "press", TenantId? tenant = null)
    {
        var query = new TelemetryQuery
        {
            Device = DeviceId.Parse(device),
            Metrics = ["n"],
            Limit = 100_000,
        };
        var found = new List<double>();
        await foreach (var point in Writer.GetRequiredService<ITelemetryReader>().ReadAsync(tenant ?? Plant, query))
            found.Add(point.Value.AsDouble());
        return found;
    }

    /// <summary>How many rows the store has of a tenant.</summary>
    public async Task<long> CountAsync(TenantId? tenant = null)
    {
        var days = await Writer
            .GetRequiredService<ITelemetryStatistics>()
            .CountPointsAsync(tenant ?? Plant, DateOnly.FromDateTime(DateTime.UtcNow).AddDays(-20), 21);
        return days.Sum(day => day.Points);
    }

    public Task WaitForStoredAsync(int count, TenantId? tenant = null) => UntilAsync(async () => await CountAsync(tenant) >= count);

    public Task WaitForAdapterLogAsync(int id, int count = 1) => UntilAsync(() => Task.FromResult(CountOfLog(AdapterLogs, id) >= count));

    public Task WaitForWriterLogAsync(int id, int count = 1) => UntilAsync(() => Task.FromResult(CountOfLog(WriterLogs, id) >= count));

    /// <summary>
    /// Waits until so many messages are in a queue, waiting or on their way, as the broker has it: it counts those of a quorum queue now and then, and begins at none
    /// when it starts. What has to be stored by then is waited for in the store.
    /// </summary>
    public Task WaitForQueueAsync(string queue, int count) =>
        UntilAsync(async () =>
        {
            var lines = await Broker.ControlAsync("list_queues", "-p", _virtualHost, "-q", "--no-table-headers", "name", "messages");
            return lines.Split('\n').Any(line => line.Trim() == $"{queue}\t{count.ToString(CultureInfo.InvariantCulture)}");
        });

    /// <summary>Connects as somebody.</summary>
    public Task<IConnection> ConnectAsync(string user, string password) =>
        new ConnectionFactory { Uri = UriOf(user, password), AutomaticRecoveryEnabled = false }.CreateConnectionAsync();

    /// <summary>Adds a user who may configure, write and read what the patterns say.</summary>
    public async Task AddUserAsync(string user, string password, string configure = "", string write = ".*", string read = "")
    {
        await Broker.ControlAsync("add_user", user, password);
        await Broker.ControlAsync("set_permissions", "-p", _virtualHost, user, configure, write, read);
    }

    public async ValueTask DisposeAsync()
    {
        Gate.Release();
        await _adapter.StopAsync();
        _adapter.Dispose();
        foreach (var writer in _writers)
        {
            await writer.StopAsync();
            writer.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await condition())
            await Task.Delay(20, patience.Token);
    }

    public static int CountOfLog(FakeLoggerProvider logs, int id) => logs.Collector.GetSnapshot().Count(record => record.Id.Id == id);

    // As docs/scale-out.md has it.
    private async Task MakeUsersAsync()
    {
        const string Frames = @"^iiot\.(frames.*|dead-letters)$";
        const string FramesAndAnswers = @"^(iiot\.(frames.*|dead-letters)|amq\.default)$";
        const string Replies = @"^amq\.gen-.*$";
        await AddUserAsync($"{_virtualHost}-writer", "secret", Frames, FramesAndAnswers, Frames);
        await AddUserAsync($"{_virtualHost}-adapter", "secret", Replies, @"^iiot\.frames$", Replies);
        WriterUri = UriOf($"{_virtualHost}-writer", "secret");
        AdapterUri = UriOf($"{_virtualHost}-adapter", "secret");
    }

    private static long TimeOf(int n) => new DateTimeOffset(DateTime.UtcNow.Date, TimeSpan.Zero).ToUnixTimeMilliseconds() - 86_400_000 + n;

    private Uri UriOf(string user, string password) => new($"amqp://{user}:{password}@127.0.0.1:{Broker.Port}/{_virtualHost}");
}
