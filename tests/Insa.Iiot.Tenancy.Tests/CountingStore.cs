namespace Insa.Iiot.Tenancy.Tests;

/// <summary>A store that counts commits, and can hold one back or let it fail.</summary>
internal sealed class CountingStore(IControlStore store) : IControlStore
{
    private int _commits;

    public int Commits => _commits;

    /// <summary>Runs before each commit.</summary>
    public Func<int, Task> BeforeCommit { get; set; } = _ => Task.CompletedTask;

    /// <summary>Which commits fail, as if the store were away.</summary>
    public Func<IReadOnlyList<ControlChange>, bool> Refuses { get; set; } = _ => false;

    /// <summary>Runs after each commit, which it can make look failed.</summary>
    public Action<int> AfterCommit { get; set; } = _ => { };

    public ValueTask<ControlRecord?> FindAsync(ControlScope scope, string kind, string id, CancellationToken cancellationToken = default) =>
        store.FindAsync(scope, kind, id, cancellationToken);

    public ValueTask<ControlRecord?> FindByKeyAsync(
        ControlScope scope,
        string kind,
        string key,
        CancellationToken cancellationToken = default
    ) => store.FindByKeyAsync(scope, kind, key, cancellationToken);

    public ValueTask<IReadOnlyList<ControlRecord>> ListAsync(
        ControlScope scope,
        string kind,
        string? after,
        int limit,
        CancellationToken cancellationToken = default
    ) => store.ListAsync(scope, kind, after, limit, cancellationToken);

    public ValueTask<IReadOnlyList<ControlCounter>> ReadCountersAsync(TenantId tenant, CancellationToken cancellationToken = default) =>
        store.ReadCountersAsync(tenant, cancellationToken);

    public async ValueTask<ControlResult> CommitAsync(IReadOnlyList<ControlChange> changes, CancellationToken cancellationToken = default)
    {
        var commit = Interlocked.Increment(ref _commits);
        await BeforeCommit(commit);
        if (Refuses(changes))
            throw new TelemetryStoreException("The store is away.", isTransient: true);
        var result = await store.CommitAsync(changes, cancellationToken);
        AfterCommit(commit);
        return result;
    }
}
