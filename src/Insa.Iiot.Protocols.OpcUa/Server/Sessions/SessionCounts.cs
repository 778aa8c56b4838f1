using System.Collections.Concurrent;

namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>The counters of tenants that have had a session since the server started. Thread-safe.</summary>
internal sealed class SessionCounts
{
    private readonly ConcurrentDictionary<TenantId, TenantCounters> _tenants = [];

    public TenantCounters Of(TenantId tenant) => _tenants.GetOrAdd(tenant, static _ => new TenantCounters());

    /// <summary>Counts somebody who could not sign in to a tenant; not to one that has had no session yet, for anybody can make up names of tenants.</summary>
    public void Rejected(TenantId tenant, bool isSecurity)
    {
        if (_tenants.TryGetValue(tenant, out var counters))
            counters.SessionRejected(isSecurity);
    }
}
