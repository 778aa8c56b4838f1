using Insa.Iiot.Tenancy.Quotas;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Tenancy.Tests.Quotas;

/// <summary>Hosts over one SQLite file and one clock, with the tenant <see cref="Plant"/>.</summary>
internal sealed class QuotaWorld : IAsyncDisposable
{
    public static readonly TenantId Plant = TenantId.Parse("plant");
    public static readonly DeviceSession Pump = new(Plant, DeviceId.Parse("pump"));

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-quotas-").FullName;
    private readonly List<QuotaHost> _hosts = [];

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 10, 8, 0, 0, TimeSpan.Zero));

    public Warnings Warned { get; } = new();

    /// <summary>What all hosts measure.</summary>
    public SettableMeter Meter { get; } = new();

    /// <summary>Makes a world with one host, and the tenant with these settings.</summary>
    public static async Task<(QuotaWorld World, QuotaHost Host)> MakeAsync(TenantSettings? settings = null)
    {
        var world = new QuotaWorld();
        var host = await world.StartAsync();
        await host.Tenants.CreateAsync(Plant, settings ?? new TenantSettings { DisplayName = "Plant 7" });
        return (world, host);
    }

    public static TenantSettings Limited(string name, long limit) =>
        new()
        {
            DisplayName = "Plant 7",
            Limits = new Dictionary<string, long?> { [name] = limit },
        };

    public static TenantSettings Rated(params (string Name, string? Rate)[] rates) =>
        new() { DisplayName = "Plant 7", Rates = rates.ToDictionary(rate => rate.Name, rate => rate.Rate) };

    public async Task<QuotaHost> StartAsync(Action<TenancyOptions>? configure = null, Func<IControlStore, IControlStore>? over = null)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(Time);
        services.AddSingleton<IUsageWarningObserver>(Warned);
        services.AddSingleton<ITelemetryStorageMeter>(Meter);
        services.AddIiot().AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "iiot.db")).AddTenancy(configure);
        if (over is not null)
        {
            var registered = services.Last(service => service.ServiceType == typeof(IControlStore));
            services.Remove(registered);
            services.AddSingleton(provider =>
                over((IControlStore)ActivatorUtilities.CreateInstance(provider, registered.ImplementationType!))
            );
        }

        var host = new QuotaHost(services.BuildServiceProvider());
        _hosts.Add(host);
        await host.StartAsync();
        return host;
    }

    /// <summary>Waits for what the background does, in real time.</summary>
    public static async Task UntilAsync(Func<ValueTask<bool>> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition())
            await Task.Delay(5, deadline.Token);
    }

    public static Task UntilAsync(Func<bool> condition) => UntilAsync(() => ValueTask.FromResult(condition()));

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
            await host.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    internal sealed class Warnings : IUsageWarningObserver
    {
        private readonly List<UsageWarning> _all = [];

        public IReadOnlyList<UsageWarning> All
        {
            get
            {
                lock (_all)
                    return [.. _all];
            }
        }

        public ValueTask OnWarningAsync(UsageWarning warning, CancellationToken cancellationToken)
        {
            lock (_all)
                _all.Add(warning);
            return ValueTask.CompletedTask;
        }
    }

    internal sealed class SettableMeter : ITelemetryStorageMeter
    {
        private int _calls;

        public long Bytes { get; set; }

        public Exception? Fails { get; set; }

        public int Calls => Volatile.Read(ref _calls);

        public ValueTask<IReadOnlyList<TenantBytes>> MeasureAsync(CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _calls);
            return Fails is null
                ? ValueTask.FromResult<IReadOnlyList<TenantBytes>>([
                    new TenantBytes(Plant, Bytes),
                    new TenantBytes(TenantId.Parse("gone"), 1),
                ])
                : throw Fails;
        }
    }

    internal sealed class QuotaHost(ServiceProvider services) : IAsyncDisposable
    {
        private readonly QuotaService _service = services.GetServices<IHostedService>().OfType<QuotaService>().Single();
        private readonly IAdmissionPolicy _policy = services.GetServices<IAdmissionPolicy>().Single();
        private readonly ITelemetryObserver _observer = services.GetServices<ITelemetryObserver>().Single();
        private bool _isStopped;

        public TenantDirectory Tenants { get; } = services.GetRequiredService<TenantDirectory>();

        public TenantUsage Usage { get; } = services.GetRequiredService<TenantUsage>();

        public UsageLedger Ledger { get; } = services.GetRequiredService<UsageLedger>();

        public IControlStore Store { get; } = services.GetRequiredService<IControlStore>();

        public TenantQuota Quota { get; } = services.GetRequiredService<TenantQuotas>().Of(Plant);

        public TenantQuota QuotaOf(TenantId tenant) => services.GetRequiredService<TenantQuotas>().Of(tenant);

        public Task StartAsync() => _service.StartAsync(CancellationToken.None);

        /// <summary>Measures and charges what is stored, unless that is done today.</summary>
        public Task MeterAsync() => services.GetRequiredService<StorageMetering>().RunOnceAsync(CancellationToken.None);

        public AdmissionDecision Admit(DeviceSession? session = null, int bytes = 10) => _policy.Admit(session ?? Pump, bytes);

        /// <summary>Commits one message of so many points, as ingestion would.</summary>
        public async Task CommitAsync(int points, DeviceId? device = null)
        {
            using var chunk = new TelemetryChunk(1);
            chunk.Reset(Plant);
            var writer = new TelemetryFrameWriter(new TelemetryLimits());
            writer.BeginMessage(chunk, Pump, device ?? Pump.Device, new DateTime(2026, 11, 10, 0, 0, 0, DateTimeKind.Utc).Ticks);
            for (var i = 0; i < points; i++)
                writer.AddLong(System.Text.Encoding.UTF8.GetBytes($"m{i}"), i);
            Assert.Equal(IngestReason.None, writer.EndFrame());
            writer.CommitMessage();
            var batch = new TelemetryBatch();
            batch.Add(chunk);
            Assert.Equal(points, batch.ValueCount);
            await _observer.OnCommittedAsync(batch, CancellationToken.None);
        }

        /// <summary>Lets the host meet the tenant: one message, and all that comes of it.</summary>
        public async Task MeetAsync()
        {
            Admit();
            await UntilAsync(() => Quota.Snapshot is not null);
        }

        public async Task<long> CounterAsync(string name) =>
            (await Store.ReadCountersAsync(Plant)).FirstOrDefault(counter => counter.Name == name)?.Used ?? 0;

        public async Task StopAsync()
        {
            if (_isStopped)
                return;
            _isStopped = true;
            await _service.StopAsync(CancellationToken.None);
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            await services.DisposeAsync();
        }
    }
}
