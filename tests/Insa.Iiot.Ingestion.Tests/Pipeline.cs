using System.Buffers.Binary;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Ingestion.Tests;

/// <summary>A pipeline with a scripted sink and a decoder of fixed-size records: what is under test is what lies between.</summary>
internal sealed class Pipeline : IAsyncDisposable
{
    public static readonly TenantId Plant = TenantId.Parse("plant");
    public static readonly TenantId Other = TenantId.Parse("other");

    private readonly ServiceProvider _services;

    public Pipeline(Action<IngestionOptions>? configure = null, Action<IServiceCollection>? add = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(Time);
        services.AddLogging(logging => logging.AddProvider(Logs).SetMinimumLevel(LogLevel.Trace));
        services.AddSingleton<ITelemetrySink>(Sink);
        services.AddSingleton<IDeadLetterStore>(DeadLetters);
        services.AddSingleton<ITelemetryDecoder, RecordDecoder>();
        add?.Invoke(services);
        services.AddIiot().AddIngestion(configure);
        _services = services.BuildServiceProvider();
        Ingress = _services.GetRequiredService<ITelemetryIngress>();
        Service = _services.GetServices<IHostedService>().Single();
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    public FakeLoggerProvider Logs { get; } = new();

    public ScriptedSink Sink { get; } = new();

    public ScriptedDeadLetters DeadLetters { get; } = new();

    public ITelemetryIngress Ingress { get; }

    public IHostedService Service { get; }

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public Task StartAsync() => Service.StartAsync(CancellationToken.None);

    public static DeviceSession Session(TenantId tenant, string device = "press") => new(tenant, DeviceId.Parse(device));

    /// <summary>Submits <paramref name="count"/> frames as one message, numbered from <paramref name="first"/>.</summary>
    public IngestReceipt Submit(DeviceSession session, int first, int count = 1)
    {
        var payload = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(payload, first);
        BinaryPrimitives.WriteInt32LittleEndian(payload.AsSpan(4), count);
        return Ingress.Submit(session, new TelemetryMessage(RecordDecoder.Records, [.. payload, .. new byte[count * 2]]));
    }

    public async ValueTask DisposeAsync()
    {
        Sink.Release();
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await Service.StopAsync(now.Token);
        await _services.DisposeAsync();
    }
}
