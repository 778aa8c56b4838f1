using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>Another host that uses a tenant's rates.</summary>
internal sealed class RateHost(long version, Dictionary<string, RateUse> rates, long now)
{
    // Records begin with version 1: of one that has just come, all that it used is news.
    private const long NewUpTo = 2;
    private static readonly long LiveFor = GateClock.Of(TimeSpan.FromSeconds(25));

    private long _version = version;
    private Dictionary<string, RateUse> _former = version <= NewUpTo ? [] : rates;
    private Dictionary<string, RateUse> _rates = rates;
    private long _heardAt = now;
    private long _span;

    /// <summary>Takes in what was read of it.</summary>
    public void Hear(long version, Dictionary<string, RateUse> rates, long now)
    {
        _former = _rates;
        if (version == _version)
            return;
        (_version, _rates) = (version, rates);
        (_span, _heardAt) = (now - _heardAt, now);
    }

    /// <summary>Whether it still tells: told by versions that grow, by this host's own clock, for those of others may differ.</summary>
    public bool IsLive(long now) => now - _heardAt <= LiveFor;

    /// <summary>What it has used of a rate in a time before it was last read; what it used before that time has long been served.</summary>
    public long UsedWithin(string name, long time)
    {
        if (!_rates.TryGetValue(name, out var use))
            return 0;
        var used = Math.Max(use.Used - (_former.TryGetValue(name, out var former) ? former.Used : 0), 0);
        return _span > time ? (long)((double)used * time / _span) : used;
    }

    public double DemandOf(string name) => _rates.TryGetValue(name, out var use) ? use.Demand : 0;
}
