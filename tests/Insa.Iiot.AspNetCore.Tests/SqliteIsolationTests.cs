namespace Insa.Iiot.AspNetCore.Tests;

public sealed class SqliteIsolationTests : IsolationTests
{
    protected override Task<Action<IiotBuilder>?> MakeStoreAsync() => Task.FromResult<Action<IiotBuilder>?>(null);
}
