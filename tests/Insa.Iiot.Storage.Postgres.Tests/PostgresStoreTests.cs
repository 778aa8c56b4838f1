using Insa.Iiot.Conformance;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class PostgresStoreTests(PostgresCluster cluster) : StoreConformance
{
    private PostgresStore _store = null!;

    protected override ITelemetrySink Sink => _store.Sink;

    protected override ITelemetryReader Reader => _store.Reader;

    protected override ITelemetrySeriesReader SeriesReader => _store.SeriesReader;

    protected override IDeviceRegistry Registry => _store.Devices;

    protected override IDeviceAuthenticator Authenticator => _store.Devices;

    protected override IControlStore Control => _store.Control;

    protected override IDeadLetterStore DeadLetters => _store.DeadLetters;

    protected override int MaxDeadLetters => PostgresStore.MaxDeadLetters;

    public override async ValueTask InitializeAsync() => _store = await PostgresStore.MakeAsync(cluster);

    public override async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await base.DisposeAsync();
    }
}
