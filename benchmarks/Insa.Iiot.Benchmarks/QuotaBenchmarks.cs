using BenchmarkDotNet.Attributes;
using Insa.Iiot.Tenancy;
using Insa.Iiot.Tenancy.Quotas;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Benchmarks;

/// <summary>What quotas cost a message: one gate of two windows, and all of admission with rates and a month's bytes.</summary>
[MemoryDiagnoser]
public class QuotaBenchmarks : IDisposable
{
    private static readonly TenantId Plant = TenantId.Parse("plant");

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-quota-bench-").FullName;
    private readonly DeviceSession _session = new(Plant, DeviceId.Parse("press"));
    private readonly RateGate _gate = new(RateLimit.Parse("10000000:1,600000000:60"));
    private readonly GateClock _clock = new(TimeProvider.System);
    private ServiceProvider _services = null!;
    private IAdmissionPolicy _policy = null!;

    [GlobalSetup]
    public async Task StartAsync()
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.ClearProviders());
        services.AddIiot().AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "iiot.db")).AddTenancy();
        _services = services.BuildServiceProvider();
        await _services.GetRequiredService<TenantDirectory>().CreateAsync(Plant, Settings);
        await _services.GetServices<IHostedService>().OfType<QuotaService>().Single().StartAsync(CancellationToken.None);
        _policy = _services.GetServices<IAdmissionPolicy>().Single();
        var quota = _services.GetRequiredService<TenantQuotas>().Of(Plant);
        while (quota.Snapshot is null)
        {
            _policy.Admit(_session, 100);
            await Task.Delay(10);
        }
    }

    private static TenantSettings Settings =>
        new()
        {
            DisplayName = "Plant 7",
            Rates = new Dictionary<string, string?>
            {
                [TenantRates.Messages] = "10000000:1,600000000:60",
                [TenantRates.MessagesPerDevice] = "10000000:1",
                [TenantRates.Points] = "10000000:1",
            },
            Limits = new Dictionary<string, long?> { [TenantAmounts.BytesPerMonth] = 1_000_000_000_000_000 },
        };

    [Benchmark(Baseline = true)]
    public long ReadClock() => _clock.Now;

    [Benchmark]
    public long TakeFromGate() => _gate.TryTake(1, _clock.Now);

    [Benchmark]
    public AdmissionDecision Admit() => _policy.Admit(_session, 100);

    public void Dispose()
    {
        _services.Dispose();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }
}
