namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>
/// The generic cell rate algorithm (ITU-T I.371) for all windows of one <see cref="RateLimit"/>: each window is one 64-bit number, the time at
/// which it is at rest again. Thread-safe without locks. From rest, a window of n units in s seconds admits n at once, and in t seconds never
/// more than n + n·t/s.
/// </summary>
internal sealed class RateGate
{
    private readonly long[] _restsAt;
    private readonly long[] _intervals;
    private readonly long[] _bursts;

    // What a unit takes: more than its interval where this gate has only a share of the rate.
    private volatile long[] _costs;

    /// <param name="limit">The rate.</param>
    /// <param name="counts">What counts its units, where it matters how many come.</param>
    public RateGate(RateLimit limit, GateCounts? counts = null)
    {
        Limit = limit;
        Counts = counts;
        _restsAt = new long[limit.Windows.Count];
        _intervals = new long[_restsAt.Length];
        _bursts = new long[_restsAt.Length];
        for (var i = 0; i < _restsAt.Length; i++)
        {
            // Rounded up, so never too many; of 1,600 or more, so at most 0.07 % too few.
            var (units, seconds) = limit.Windows[i];
            var period = seconds * GateClock.PerSecond;
            _intervals[i] = (period + units - 1) / units;
            _bursts[i] = _intervals[i] * units;
        }

        _costs = _intervals;
    }

    public RateLimit Limit { get; }

    public GateCounts? Counts { get; }

    /// <summary>Lets only a share of the rate through, above 0 and up to 1. From rest a single unit still may come.</summary>
    public void SetShare(double share)
    {
        var costs = new long[_intervals.Length];
        for (var i = 0; i < costs.Length; i++)
            costs[i] = (long)Math.Ceiling(_intervals[i] / share);
        _costs = share < 1 ? costs : _intervals;
    }

    /// <summary>Is no nearer to rest than another gate of the same limit.</summary>
    public void AlignTo(RateGate other)
    {
        for (var i = 0; i < _restsAt.Length; i++)
        {
            long seen;
            var wanted = Volatile.Read(ref other._restsAt[i]);
            do
            {
                seen = Volatile.Read(ref _restsAt[i]);
            } while (seen < wanted && Interlocked.CompareExchange(ref _restsAt[i], wanted, seen) != seen);
        }
    }

    /// <summary>
    /// Takes units from all windows, or from none. While one thread finds that the second window refuses, another may be refused by what the
    /// first window is about to get back: never is one admitted too many.
    /// </summary>
    /// <returns>0 if they are taken; else how long to wait, in units of <see cref="GateClock"/>.</returns>
    public long TryTake(long units, long now)
    {
        var wait = WaitFor(units, now);
        if (wait > 0)
        {
            Counts?.Refused();
            return wait;
        }

        for (var i = 0; i < _restsAt.Length; i++)
        {
            wait = TryTake(i, units, now);
            if (wait == 0)
                continue;
            GiveBack(units, i);
            Counts?.Refused();
            return wait;
        }

        Counts?.Took(units);
        return 0;
    }

    /// <summary>How long to wait until so many units may come; 0 if they may now. Takes nothing.</summary>
    /// <remarks>For more units than a window has, which may never come, it is that window's length.</remarks>
    public long WaitFor(long units, long now)
    {
        var longest = 0L;
        for (var i = 0; i < _restsAt.Length; i++)
        {
            var wait = WaitFor(i, units, Volatile.Read(ref _restsAt[i]), now);
            if (wait > longest)
                longest = wait;
        }

        return longest;
    }

    /// <summary>Takes units that have come already: what is more than there was, is waited for by those who come next.</summary>
    public void Charge(long units, long now)
    {
        Counts?.Charged(units);
        ChargeSince(units, now);
    }

    /// <summary>Takes units that have come bit by bit since a moment, and does not count them.</summary>
    public void ChargeSince(long units, long since)
    {
        var costs = _costs;
        for (var i = 0; i < _restsAt.Length; i++)
        {
            var cost = (long)Int128.Min((Int128)units * costs[i], long.MaxValue / 4);
            long seen;
            long next;
            do
            {
                seen = Volatile.Read(ref _restsAt[i]);
                next = Math.Min(Math.Max(seen, since) + cost, long.MaxValue / 4);
            } while (Interlocked.CompareExchange(ref _restsAt[i], next, seen) != seen);
        }
    }

    /// <summary>Gives back what <see cref="TryTake(long,long)"/> took, when something else refuses.</summary>
    public void GiveBack(long units)
    {
        GiveBack(units, _restsAt.Length);
        Counts?.Took(-units);
    }

    /// <summary>How a window stands, by its place in the limit.</summary>
    public RateStanding Read(int window, long now)
    {
        var busy = Math.Max(Volatile.Read(ref _restsAt[window]) - now, 0);
        var remaining = Math.Max(_bursts[window] - busy, 0) / _intervals[window];
        return new RateStanding(Limit.Windows[window], remaining, GateClock.ToTimeSpan(busy));
    }

    /// <summary>Whether it is as good as new.</summary>
    public bool IsAtRest(long now)
    {
        foreach (ref var restsAt in _restsAt.AsSpan())
        {
            if (Volatile.Read(ref restsAt) > now)
                return false;
        }

        return true;
    }

    private long TryTake(int window, long units, long now)
    {
        var cost = units * _costs[window];
        while (true)
        {
            var seen = Volatile.Read(ref _restsAt[window]);
            var wait = WaitFor(window, units, seen, now);
            if (wait > 0)
                return wait;
            if (Interlocked.CompareExchange(ref _restsAt[window], Math.Max(seen, now) + cost, seen) == seen)
                return 0;
        }
    }

    private long WaitFor(int window, long units, long restsAt, long now)
    {
        if (units > Limit.Windows[window].Units)
            return Limit.Windows[window].Seconds * GateClock.PerSecond;
        var cost = units * _costs[window];
        return Math.Max(restsAt, now) + cost - now - Math.Max(_bursts[window], cost);
    }

    private void GiveBack(long units, int windows)
    {
        var costs = _costs;
        for (var i = 0; i < windows; i++)
            Interlocked.Add(ref _restsAt[i], -units * costs[i]);
    }
}
