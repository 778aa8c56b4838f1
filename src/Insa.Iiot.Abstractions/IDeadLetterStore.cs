namespace Insa.Iiot;

/// <summary>Keeps dead letters. Bounded per tenant: the oldest go first.</summary>
public interface IDeadLetterStore
{
    /// <summary>Writes letters; durable when it returns.</summary>
    /// <exception cref="TelemetryStoreException">Nothing was written.</exception>
    Task AppendAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken);

    /// <summary>Lists a tenant's letters by ascending id, after <paramref name="afterId"/>.</summary>
    ValueTask<IReadOnlyList<DeadLetter>> ListAsync(TenantId tenant, long afterId, int limit, CancellationToken cancellationToken = default);
}
