namespace Insa.Iiot;

/// <summary>Keeps the records of the control plane: tenants, users, roles, invitations and the like. Thread-safe, and safe between hosts.</summary>
/// <remarks>
/// What a record means is its package's own business; the store finds it, keeps tenants apart, and makes changes together. Every race is
/// decided here: by versions, by keys that are unique, and by counters with bounds. All may throw <see cref="TelemetryStoreException"/>.
/// </remarks>
public interface IControlStore
{
    /// <summary>Finds a record.</summary>
    ValueTask<ControlRecord?> FindAsync(ControlScope scope, string kind, string id, CancellationToken cancellationToken = default);

    /// <summary>Finds a record by one of its keys.</summary>
    ValueTask<ControlRecord?> FindByKeyAsync(ControlScope scope, string kind, string key, CancellationToken cancellationToken = default);

    /// <summary>Lists records of a kind by id (ordinal), after <paramref name="after"/>.</summary>
    ValueTask<IReadOnlyList<ControlRecord>> ListAsync(
        ControlScope scope,
        string kind,
        string? after,
        int limit,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads a tenant's counters, by name.</summary>
    ValueTask<IReadOnlyList<ControlCounter>> ReadCountersAsync(TenantId tenant, CancellationToken cancellationToken = default);

    /// <summary>Makes all of the changes, durable when it returns, or none.</summary>
    /// <exception cref="ArgumentException">There are no changes.</exception>
    ValueTask<ControlResult> CommitAsync(IReadOnlyList<ControlChange> changes, CancellationToken cancellationToken = default);
}
