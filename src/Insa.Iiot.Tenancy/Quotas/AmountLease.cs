namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>
/// What this host holds of one amount of one tenant in one period: units that it took from the store's counter and has not spent. Spending is
/// lock-free and allocates nothing; leasing, settling and closing are done by one thread at a time.
/// </summary>
/// <remarks>
/// The counter never passes the limit, and what is spent was leased before, but for debt: points are known only after their message was
/// admitted, and a tenant's first messages on a host come before its first lease. Debt is the first thing that the next lease pays.
/// </remarks>
internal sealed class AmountLease
{
    private const long NoLimit = long.MaxValue;
    private const long ClosedBalance = long.MinValue / 2;
    private const long MaxBlock = 100_000_000;
    private static readonly long ProbeInterval = GateClock.Of(TimeSpan.FromSeconds(10));

    private readonly long _smallestBlock;
    private long _limit = NoLimit;
    private long _balance;
    private long _overrun;
    private long _needed;
    private long _probeAt;

    /// <param name="name">The amount, such as <c>points-per-month</c>.</param>
    /// <param name="period">The period.</param>
    /// <param name="endsAt">When it ends, by the clock of gates.</param>
    /// <param name="smallestBlock">What is leased at once at least, if there is so much.</param>
    public AmountLease(string name, QuotaPeriod period, long endsAt, long smallestBlock)
    {
        Name = name;
        Period = period;
        EndsAt = endsAt;
        Counter = $"{name}@{period.Name}";
        _smallestBlock = smallestBlock;
    }

    public string Name { get; }

    public QuotaPeriod Period { get; }

    public long EndsAt { get; }

    /// <summary>The name of the store's counter.</summary>
    public string Counter { get; }

    public bool IsLimited => Volatile.Read(ref _limit) != NoLimit;

    /// <summary>What is held and not spent; below 0 it is debt.</summary>
    public long Balance => Volatile.Read(ref _balance);

    public bool IsUsedUp => Volatile.Read(ref _probeAt) != 0;

    /// <summary>How much is leased at once: a hundredth of the limit, within bounds.</summary>
    private long Block
    {
        get
        {
            var limit = Volatile.Read(ref _limit);
            return Math.Max(Math.Min(Math.Clamp(limit / 100, _smallestBlock, MaxBlock), limit), 1);
        }
    }

    /// <summary>Whether the background has to lease more: before it is all spent.</summary>
    public bool NeedsRefill(long now) =>
        IsLimited
        && now >= Volatile.Read(ref _probeAt)
        && Volatile.Read(ref _balance) < Math.Max((Block + 1) / 2, Volatile.Read(ref _needed));

    /// <summary>Takes what is known before it is spent.</summary>
    public LeaseAnswer TryTake(long amount, long now)
    {
        if (now >= EndsAt)
            return TryOverrun(amount);
        while (true)
        {
            var balance = Volatile.Read(ref _balance);
            if (balance <= ClosedBalance)
                return LeaseAnswer.Closed;
            if (IsLimited && balance < amount)
            {
                if (Volatile.Read(ref _needed) < amount)
                    Volatile.Write(ref _needed, amount);
                return IsUsedUp ? LeaseAnswer.UsedUp : LeaseAnswer.Low;
            }

            if (Interlocked.CompareExchange(ref _balance, balance - amount, balance) == balance)
                return LeaseAnswer.Taken;
        }
    }

    /// <summary>Whether anything is left, for what is charged later. Takes nothing.</summary>
    public LeaseAnswer Look(long now)
    {
        if (!IsLimited)
            return LeaseAnswer.Taken;
        var left = now >= EndsAt ? Block - Volatile.Read(ref _overrun) : Volatile.Read(ref _balance);
        if (left > 0)
            return LeaseAnswer.Taken;
        return now < EndsAt && IsUsedUp ? LeaseAnswer.UsedUp : LeaseAnswer.Low;
    }

    /// <summary>Takes what has been spent, into debt if it must be.</summary>
    /// <returns><see langword="false"/> if this lease is closed.</returns>
    public bool TryCharge(long amount, long now)
    {
        ref var target = ref now >= EndsAt ? ref _overrun : ref _balance;
        var sign = now >= EndsAt ? 1 : -1;
        while (true)
        {
            var seen = Volatile.Read(ref target);
            if (seen <= ClosedBalance)
                return false;
            if (Interlocked.CompareExchange(ref target, seen + (sign * amount), seen) == seen)
                return true;
        }
    }

    /// <summary>Sets the limit; <see langword="null"/> for none.</summary>
    public void SetLimit(long? limit)
    {
        if (Interlocked.Exchange(ref _limit, limit ?? NoLimit) != (limit ?? NoLimit))
            Volatile.Write(ref _probeAt, 0);
    }

    /// <summary>Takes over what was spent before this lease was there.</summary>
    public void Owe(long amount) => Interlocked.Add(ref _balance, -amount);

    /// <summary>Leases a block and the debt, or as much of it as the store still has.</summary>
    /// <returns>Whether anything was leased.</returns>
    public async ValueTask<bool> RefillAsync(IControlStore store, TenantId tenant, GateClock clock, CancellationToken cancellationToken)
    {
        var limit = Volatile.Read(ref _limit);
        var needed = Volatile.Read(ref _needed);
        var want = Math.Max(Block, needed) - Math.Min(Balance, Math.Max(Block, needed));
        if (limit == NoLimit || want == 0)
            return false;
        var leased = 0L;
        var bound = ControlChange.Bound(tenant, Counter, least: null, limit);

        // Halved whenever the counter is too full for it, so that the very last unit is found in a few steps.
        for (var take = Math.Min(want, Math.Max(limit, 1)); take > 0 && leased < want; )
        {
            var result = await store
                .CommitAsync([bound, ControlChange.Count(tenant, Counter, take)], cancellationToken)
                .ConfigureAwait(false);
            if (result.Outcome == ControlOutcome.Done)
            {
                leased += take;
                Interlocked.Add(ref _balance, take);
                take = Math.Min(take, want - leased);
            }
            else
            {
                take /= 2;
            }
        }

        Volatile.Write(ref _needed, 0);
        Volatile.Write(ref _probeAt, leased < want ? clock.Now + ProbeInterval : 0);
        return leased > 0;
    }

    /// <summary>Gives back what is held and not spent, or counts what was spent without a lease.</summary>
    /// <returns>Whether the counter moved.</returns>
    public ValueTask<bool> SettleAsync(IControlStore store, TenantId tenant, CancellationToken cancellationToken)
    {
        var balance = Balance;
        if (balance > 0)
            return GiveBackAsync(store, tenant, cancellationToken);
        return balance == 0 || IsLimited ? ValueTask.FromResult(false) : CountAsync(store, tenant, balance, cancellationToken);
    }

    /// <summary>Lets nobody spend from it any more.</summary>
    /// <returns>What is left of it (or owed, below 0), and what was spent after the period's end.</returns>
    public (long Balance, long Overrun) Close()
    {
        var balance = Interlocked.Exchange(ref _balance, ClosedBalance);
        return (balance, Interlocked.Exchange(ref _overrun, ClosedBalance));
    }

    private LeaseAnswer TryOverrun(long amount)
    {
        // The next period has its whole limit yet: a block of it can be spent while the host leases.
        while (true)
        {
            var overrun = Volatile.Read(ref _overrun);
            if (overrun <= ClosedBalance)
                return LeaseAnswer.Closed;
            if (IsLimited && overrun > 0 && overrun + amount > Block)
                return LeaseAnswer.Low;
            if (Interlocked.CompareExchange(ref _overrun, overrun + amount, overrun) == overrun)
                return LeaseAnswer.Taken;
        }
    }

    private async ValueTask<bool> GiveBackAsync(IControlStore store, TenantId tenant, CancellationToken cancellationToken)
    {
        long held;
        do
        {
            held = Volatile.Read(ref _balance);
            if (held <= 0)
                return false;
        } while (Interlocked.CompareExchange(ref _balance, 0, held) != held);

        // Whether a failed commit was made is not known: the units are then lost to the tenant, never given twice.
        await store.CommitAsync([ControlChange.Count(tenant, Counter, -held)], cancellationToken).ConfigureAwait(false);
        return true;
    }

    private async ValueTask<bool> CountAsync(IControlStore store, TenantId tenant, long balance, CancellationToken cancellationToken)
    {
        await store
            .CommitAsync(
                [ControlChange.Bound(tenant, Counter, least: null, most: null), ControlChange.Count(tenant, Counter, -balance)],
                cancellationToken
            )
            .ConfigureAwait(false);
        Interlocked.Add(ref _balance, -balance);
        return true;
    }
}
