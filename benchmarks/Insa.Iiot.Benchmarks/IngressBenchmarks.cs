using System.Text;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Benchmarks;

/// <summary>A message through admission, decoding and its lane, and its commit by a sink that does nothing.</summary>
[MemoryDiagnoser]
public class IngressBenchmarks : IDisposable
{
    private const int Messages = 10_000;
    private static readonly byte[] Payload = Encoding.UTF8.GetBytes("""{"data":{"temp":25.125}}""");

    private readonly DeviceSession _session = new(TenantId.Parse("plant"), DeviceId.Parse("press"));
    private ServiceProvider _services = null!;
    private ITelemetryIngress _ingress = null!;

    [GlobalSetup]
    public async Task StartAsync()
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.ClearProviders());
        services.AddSingleton<ITelemetrySink, NullSink>();
        services.AddIiot().AddIngestion();
        _services = services.BuildServiceProvider();
        _ingress = _services.GetRequiredService<ITelemetryIngress>();
        foreach (var service in _services.GetServices<IHostedService>())
            await service.StartAsync(CancellationToken.None);
    }

    /// <summary>Submits messages and waits for the last one's commit.</summary>
    [Benchmark(OperationsPerInvoke = Messages)]
    public async Task<CommitResult> SubmitAndCommit()
    {
        Task<CommitResult>? commit = null;
        for (var i = 0; i < Messages; i++)
        {
            var receipt = _ingress.Submit(_session, new TelemetryMessage(PayloadFormat.Json, Payload));
            commit = receipt.Commit;
            if (receipt.Status == IngestStatus.Busy)
                await _ingress.WaitForCapacityAsync(_session);
        }

        return await commit!;
    }

    public void Dispose()
    {
        _services.Dispose();
        GC.SuppressFinalize(this);
    }

    private sealed class NullSink : ITelemetrySink
    {
        public int MaxConcurrentWrites => 1;

        public Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
