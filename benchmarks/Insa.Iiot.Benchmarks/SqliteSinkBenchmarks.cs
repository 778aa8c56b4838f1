using System.Text;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Benchmarks;

/// <summary>Batches of frames into SQLite, one synced commit each; the result is per frame.</summary>
[MemoryDiagnoser]
public class SqliteSinkBenchmarks : IDisposable
{
    private const int Frames = 8000;
    private const int Devices = 1000;
    private static readonly TenantId Tenant = TenantId.Parse("plant");

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-bench-").FullName;
    private readonly TelemetryFrameWriter _writer = new(new TelemetryLimits());
    private readonly TelemetryChunk _chunk = new(Frames);
    private readonly TelemetryBatch _batch = new();
    private readonly DeviceSession[] _sessions =
    [
        .. Enumerable.Range(0, Devices).Select(i => new DeviceSession(Tenant, DeviceId.Parse($"device-{i}"))),
    ];
    private readonly byte[][] _metrics = [.. Enumerable.Range(0, 10).Select(i => Encoding.UTF8.GetBytes($"metric-{i}"))];
    private ServiceProvider _services = null!;
    private ITelemetrySink _sink = null!;
    private long _now = new DateTime(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc).Ticks;

    /// <summary>Values per frame.</summary>
    [Params(1, 10)]
    public int Values { get; set; }

    [GlobalSetup]
    public void Start()
    {
        var services = new ServiceCollection();
        services.AddIiot().AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, $"{Values}.db"));
        _services = services.BuildServiceProvider();
        _sink = _services.GetRequiredService<ITelemetrySink>();
    }

    /// <summary>Builds the batch only: what the writes below spend before the store.</summary>
    [Benchmark(OperationsPerInvoke = Frames)]
    public TelemetryBatch Build()
    {
        _chunk.Reset(Tenant);
        for (var i = 0; i < Frames; i++)
        {
            _now += TimeSpan.TicksPerMillisecond;
            var session = _sessions[i % Devices];
            _writer.BeginMessage(_chunk, session, session.Device, _now);
            for (var v = 0; v < Values; v++)
                _writer.AddDouble(_metrics[v], i + v);
            _writer.EndFrame();
            _writer.CommitMessage();
        }

        _batch.Clear();
        _batch.Add(_chunk);
        return _batch;
    }

    /// <summary>Builds a batch and commits it.</summary>
    [Benchmark(OperationsPerInvoke = Frames)]
    public Task BuildAndWrite() => _sink.WriteAsync(Build(), CancellationToken.None);

    [GlobalCleanup]
    public void Stop()
    {
        _services.Dispose();
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    public void Dispose()
    {
        _services?.Dispose();
        _chunk.Dispose();
        GC.SuppressFinalize(this);
    }
}
