using System.Collections.Concurrent;
using Insa.Iiot.Tenancy;
using Insa.Iiot.Tenancy.Quotas;

namespace Insa.Iiot.AspNetCore.RateLimiting;

/// <summary>A rate for each of many callers, bounded in number: those at rest go first, and if nobody is at rest then all.</summary>
/// <remarks>Who makes up callers to be forgotten needs as many as there is room for, and each of them has a rate of its own.</remarks>
internal sealed class GateTable<TKey>(RateLimit limit, int most)
    where TKey : notnull
{
    private readonly ConcurrentDictionary<TKey, RateGate> _gates = new();

    public RateGate Of(TKey key, long now)
    {
        if (_gates.TryGetValue(key, out var known))
            return known;
        if (_gates.Count >= most)
            Clear(now);
        return _gates.GetOrAdd(key, static (_, limit) => new RateGate(limit), limit);
    }

    private void Clear(long now)
    {
        foreach (var gate in _gates)
        {
            if (gate.Value.IsAtRest(now))
                _gates.TryRemove(gate);
        }

        if (_gates.Count >= most)
            _gates.Clear();
    }
}
