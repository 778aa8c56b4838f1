using Insa.Iiot.LoadTest.Serving;
using Insa.Iiot.Protocols.Amqp;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>A host that takes telemetry and one that writes it, with a broker between them.</summary>
internal sealed class SinkHosts : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-sink-").FullName;
    private readonly IHost _adapter;
    private readonly IHost _writer;
    private readonly StoredCounter _counter = new();

    public SinkHosts(Uri broker, SinkOptions options, PrivatePostgres? postgres)
    {
        var adapter = Host.CreateEmptyApplicationBuilder(null);
        adapter
            .Services.AddIiot()
            .AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "adapter.db"))
            .AddIngestion()
            .AddAmqp(amqp => amqp.Uri = broker)
            .AddAmqpTelemetrySink(sink =>
            {
                sink.Partitions = options.Partitions;
                sink.IsEndToEnd = options.EndToEnd ? _ => true : null;
            });
        _adapter = adapter.Build();
        var writer = Host.CreateEmptyApplicationBuilder(null);
        var iiot = writer.Services.AddIiot();
        if (postgres is null)
        {
            iiot.AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "writer.db"));
            writer.Services.Replace(ServiceDescriptor.Singleton<ITelemetrySink>(_counter));
        }
        else
        {
            iiot.AddPostgresStorage(store =>
            {
                store.ConnectionString = postgres.HostConnectionString;
                store.MigrateOnStart = false;
                store.CompactAfter = null;
            });
            writer.Services.AddSingleton<ITelemetryObserver>(_counter);
        }

        iiot.AddIngestion()
            .AddAmqp(amqp =>
            {
                amqp.Uri = broker;
                amqp.Frames = new AmqpFramesOptions { Partitions = options.Partitions };
            });
        _writer = writer.Build();
    }

    public ITelemetryIngress Ingress => _adapter.Services.GetRequiredService<ITelemetryIngress>();

    /// <summary>Points that the writer has stored.</summary>
    public long Stored => _counter.Points;

    public async Task StartAsync()
    {
        await _adapter.StartAsync();
        await _writer.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _adapter.StopAsync();
        await _writer.StopAsync();
        _adapter.Dispose();
        _writer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
