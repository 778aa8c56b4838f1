namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>Counts what a gate lets through and refuses. Lock-free.</summary>
internal sealed class GateCounts
{
    private long _used;
    private long _charges;
    private long _refused;

    public RateUsage Usage => new(Volatile.Read(ref _used), Volatile.Read(ref _charges), Volatile.Read(ref _refused));

    public void Took(long units) => Interlocked.Add(ref _used, units);

    public void Charged(long units)
    {
        Interlocked.Add(ref _used, units);
        Interlocked.Increment(ref _charges);
    }

    public void Refused() => Interlocked.Increment(ref _refused);
}
