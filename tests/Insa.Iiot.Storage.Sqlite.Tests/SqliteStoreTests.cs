using Insa.Iiot.Conformance;

namespace Insa.Iiot.Storage.Sqlite.Tests;

public sealed class SqliteStoreTests : StoreConformance
{
    private SqliteStore _store = null!;

    protected override ITelemetrySink Sink => _store.Sink;

    protected override ITelemetryReader Reader => _store.Reader;

    protected override ITelemetrySeriesReader SeriesReader => _store.SeriesReader;

    protected override IDeviceRegistry Registry => _store.Devices;

    protected override IDeviceAuthenticator Authenticator => _store.Devices;

    protected override IControlStore Control => _store.Control;

    protected override IDeadLetterStore DeadLetters => _store.DeadLetters;

    protected override IDevicePskStore Psks => _store.Devices;

    protected override ITelemetryStatistics Statistics => _store.Statistics;

    protected override ITenantEraser Eraser => _store.Eraser;

    protected override IRetentionPolicyStore Retention => _store.Retention;

    protected override int MaxDeadLetters => SqliteStore.MaxDeadLetters;

    public override ValueTask InitializeAsync()
    {
        _store = new SqliteStore();
        return default;
    }

    protected override Task ExpireAsync()
    {
        _store.RetentionJob.Run(stepDone: null, CancellationToken.None);
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        _store.Dispose();
        return base.DisposeAsync();
    }
}
