using Insa.Iiot.Conformance;

namespace Insa.Iiot.Storage.Sqlite.Tests;

public sealed class SqliteControlStoreTests : ControlStoreConformance
{
    private SqliteStore _store = null!;

    protected override IControlStore Store => _store.Control;

    public override ValueTask InitializeAsync()
    {
        _store = new SqliteStore();
        return default;
    }

    public override ValueTask DisposeAsync()
    {
        _store.Dispose();
        return base.DisposeAsync();
    }
}
