namespace Insa.Iiot;

/// <summary>Keeps how long each tenant keeps its telemetry. The store that has it deletes what is due, in the background. Thread-safe, and safe between hosts.</summary>
/// <remarks>
/// There is one policy for a tenant's metric pattern and tier at most; where none matches, the host's own default holds. Whoever changes one says what
/// they have seen, so that of two at once one learns of the other. What was deleted does not come back when a policy goes.
/// </remarks>
public interface IRetentionPolicyStore
{
    /// <summary>The most policies of a tenant.</summary>
    public const int MaxPolicies = 100;

    /// <summary>The tiers that the store keeps, from the finest to the coarsest. There are policies for no other.</summary>
    IReadOnlyList<RetentionTier> Tiers { get; }

    /// <summary>Whether metrics can be kept for different times. Otherwise there are policies for <see cref="RetentionPolicy.AllMetrics"/> alone.</summary>
    bool IsByMetric { get; }

    /// <summary>Lists a tenant's policies, by metric (ordinal) and tier.</summary>
    /// <exception cref="TelemetryStoreException">The store cannot be reached.</exception>
    Task<IReadOnlyList<RetentionPolicy>> ListAsync(TenantId tenant, CancellationToken cancellationToken = default);

    /// <summary>Sets a policy.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="policy">The policy; its metric is not empty, and its time more than zero.</param>
    /// <param name="seen">What the policy for this metric and tier has kept so far; <see langword="null"/> for there was none.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns><see langword="false"/> if it is not as was seen, and so nothing is changed.</returns>
    /// <exception cref="NotSupportedException">The tier is none of <see cref="Tiers"/>, or it is for some metrics where <see cref="IsByMetric"/> is false.</exception>
    /// <exception cref="LimitReachedException">The tenant has <see cref="MaxPolicies"/> already.</exception>
    /// <exception cref="TelemetryStoreException">The store cannot be reached.</exception>
    Task<bool> SetAsync(TenantId tenant, RetentionPolicy policy, TimeSpan? seen, CancellationToken cancellationToken = default);

    /// <summary>Removes a policy.</summary>
    /// <returns><see langword="false"/> if there is none that is <paramref name="seen"/>, and so nothing is changed.</returns>
    /// <exception cref="TelemetryStoreException">The store cannot be reached.</exception>
    Task<bool> RemoveAsync(TenantId tenant, RetentionPolicy seen, CancellationToken cancellationToken = default);
}
