using System.Collections.Concurrent;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>The quotas of all tenants that this host has met.</summary>
internal sealed class TenantQuotas
{
    /// <summary>How many may stay although nobody uses them.</summary>
    public const int MaxIdle = 10_000;

    private readonly ConcurrentDictionary<TenantId, TenantQuota> _quotas = new();
    private readonly Func<TenantId, TenantQuota> _make;

    public TenantQuotas(QuotaContext context) => _make = tenant => new TenantQuota(tenant, context);

    public IEnumerable<TenantQuota> All => _quotas.Select(quota => quota.Value);

    public TenantQuota Of(TenantId tenant) => _quotas.TryGetValue(tenant, out var quota) ? quota : _quotas.GetOrAdd(tenant, _make);

    public TenantQuota? Find(TenantId tenant) => _quotas.GetValueOrDefault(tenant);

    /// <summary>Forgets tenants that nobody has used for ten minutes, if there are too many.</summary>
    public void Trim(long now)
    {
        var surplus = _quotas.Count - MaxIdle;
        foreach (var (tenant, quota) in _quotas)
        {
            if (surplus <= 0)
                return;
            if (quota.Pending is null && quota.IsForgettable(now) && _quotas.TryRemove(tenant, out _))
                surplus--;
        }
    }
}
