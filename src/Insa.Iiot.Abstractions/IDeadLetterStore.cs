namespace Insa.Iiot;

/// <summary>Keeps dead letters. Bounded per tenant: the oldest go first.</summary>
public interface IDeadLetterStore
{
    /// <summary>Writes letters; durable when it returns.</summary>
    /// <exception cref="TelemetryStoreException">Nothing was written.</exception>
    Task AppendAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken);

    /// <summary>Lists a tenant's letters by ascending id, after <paramref name="afterId"/>.</summary>
    ValueTask<IReadOnlyList<DeadLetter>> ListAsync(TenantId tenant, long afterId, int limit, CancellationToken cancellationToken = default);

    /// <summary>Finds a letter.</summary>
    /// <returns><see langword="null"/> if the tenant has none of that id.</returns>
    ValueTask<DeadLetter?> FindAsync(TenantId tenant, long id, CancellationToken cancellationToken = default);

    /// <summary>Removes a letter, as when it has been replayed.</summary>
    /// <returns><see langword="false"/> if the tenant has none of that id.</returns>
    ValueTask<bool> RemoveAsync(TenantId tenant, long id, CancellationToken cancellationToken = default);
}
