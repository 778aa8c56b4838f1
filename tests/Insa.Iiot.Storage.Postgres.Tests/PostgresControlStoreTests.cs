using Insa.Iiot.Conformance;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class PostgresControlStoreTests(PostgresCluster cluster) : ControlStoreConformance
{
    private PostgresStore _store = null!;

    protected override IControlStore Store => _store.Control;

    public override async ValueTask InitializeAsync() => _store = await PostgresStore.MakeAsync(cluster);

    public override async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await base.DisposeAsync();
    }
}
