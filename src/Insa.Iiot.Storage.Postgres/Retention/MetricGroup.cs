namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Metrics of one tenant of which all that ended before a time is due.</summary>
/// <param name="TenantNo">The tenant.</param>
/// <param name="Tenant">The tenant's name.</param>
/// <param name="Cutoff">What ended before it is due.</param>
/// <param name="ProofCutoff">Hours and minutes that ended before it are due themselves, so that there is nothing to prove points by.</param>
/// <param name="MetricNos">The metrics.</param>
internal sealed record MetricGroup(int TenantNo, TenantId Tenant, DateTime Cutoff, DateTime ProofCutoff, int[] MetricNos);
