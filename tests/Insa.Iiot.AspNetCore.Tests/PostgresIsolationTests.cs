namespace Insa.Iiot.AspNetCore.Tests;

public sealed class PostgresIsolationTests(PostgresCluster cluster) : IsolationTests
{
    protected override async Task<Action<IiotBuilder>?> MakeStoreAsync() => await cluster.MakeStoreAsync();
}
