using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Jobs;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>The suite of stores over a database of its own for each test.</summary>
public abstract class PostgresStoreConformance(PostgresCluster cluster) : StoreConformance
{
    private protected PostgresStore Store { get; private set; } = null!;

    protected override ITelemetrySink Sink => Store.Sink;

    protected override ITelemetryReader Reader => Store.Reader;

    protected override ITelemetrySeriesReader SeriesReader => Store.SeriesReader;

    protected override IDeviceRegistry Registry => Store.Devices;

    protected override IDeviceAuthenticator Authenticator => Store.Devices;

    protected override IControlStore Control => Store.Control;

    protected override IDeadLetterStore DeadLetters => Store.DeadLetters;

    protected override IDevicePskStore Psks => Store.Devices;

    protected override ITelemetryStatistics Statistics => Store.Statistics;

    protected override ITenantEraser Eraser => Store.Eraser;

    protected override IRetentionPolicyStore Retention => Store.Retention;

    protected override int MaxDeadLetters => PostgresStore.MaxDeadLetters;

    public override async ValueTask InitializeAsync() => Store = await PostgresStore.MakeAsync(cluster);

    protected override async Task SettleAsync()
    {
        await Store.Streams.NoteAsync(CancellationToken.None);
        await Store.Services.GetRequiredService<JobService>().RunOnceAsync(CancellationToken.None);
    }

    protected override Task ExpireAsync() => Store.Services.GetRequiredService<PostgresRetention>().RunAsync();

    public override async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
