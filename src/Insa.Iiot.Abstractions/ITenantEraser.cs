namespace Insa.Iiot;

/// <summary>Deletes for ever what a store keeps of a tenant. Thread-safe, and safe between hosts.</summary>
/// <remarks>
/// What is written for the tenant once its erasure has begun is none of it: it is as of a new tenant of that id. <see cref="CountAsync"/> tells of it, and
/// erasing again deletes it. So nobody should write for the tenant any more, nor use its id again.
/// </remarks>
public interface ITenantEraser
{
    /// <summary>
    /// Deletes all rows of a tenant, in small transactions beside the work of other tenants, and the tenant's own row once no table holds another one.
    /// From its beginning on nobody finds the tenant's data. It can be stopped at any time; another call goes on. Without such a tenant nothing happens.
    /// </summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="progress">Hears of each transaction that deleted rows, before the next one.</param>
    /// <param name="cancellationToken">Stops between two transactions, or cancels the one at hand.</param>
    /// <returns>What this call deleted, unless a legal hold of the tenant stands: then nothing is.</returns>
    /// <exception cref="TelemetryStoreException">The store cannot be reached, or other work is in the way; what was deleted stays so.</exception>
    Task<TenantErasure> EraseAsync(TenantId tenant, IProgress<TenantRows>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Counts the rows of a tenant in every table there is, also of one whose erasure has begun. Of much data this takes long.</summary>
    /// <returns>Each table once, by name (ordinal), the tenants' own last.</returns>
    Task<IReadOnlyList<TenantRows>> CountAsync(TenantId tenant, CancellationToken cancellationToken = default);
}
