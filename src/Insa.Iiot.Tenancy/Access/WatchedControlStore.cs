namespace Insa.Iiot.Tenancy.Access;

/// <summary>The control store as tenancy's services use it: says what they have changed, so that caches forget it.</summary>
internal sealed class WatchedControlStore(IControlStore store) : IControlStore
{
    /// <summary>Told of changes before they are made and again afterwards: what was read in between may be of either time.</summary>
    public event Action<IReadOnlyList<ControlChange>>? Changing;

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
        Changing?.Invoke(changes);
        try
        {
            return await store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Changing?.Invoke(changes);
        }
    }
}
