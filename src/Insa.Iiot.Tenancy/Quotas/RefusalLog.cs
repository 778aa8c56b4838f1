namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>When this host last refused for one limit, and how often in that hour. Lock-free.</summary>
internal sealed class RefusalLog
{
    private const int CountBits = 36;
    private const long CountMask = (1L << CountBits) - 1;

    private long _last = -1;

    // The hour in the upper bits and its refusals in the lower ones, so that both change together.
    private long _hourAndCount;

    public void Add(long now, GateClock clock)
    {
        var hour = clock.HourOf(now) << CountBits;
        long seen;
        do
        {
            seen = Volatile.Read(ref _hourAndCount);
        } while (Interlocked.CompareExchange(ref _hourAndCount, (seen & ~CountMask) == hour ? seen + 1 : hour + 1, seen) != seen);
        Volatile.Write(ref _last, now);
    }

    public (DateTime? LastAt, long InHour) Read(long now, GateClock clock)
    {
        var last = Volatile.Read(ref _last);
        var seen = Volatile.Read(ref _hourAndCount);
        var inHour = seen >> CountBits == clock.HourOf(now) ? seen & CountMask : 0;
        return last < 0 ? (null, 0) : (clock.ToUtc(last), inHour);
    }
}
