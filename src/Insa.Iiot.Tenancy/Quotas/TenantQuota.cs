using System.Collections.Concurrent;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>
/// What one host knows and holds of one tenant. <see cref="Admit"/> and <see cref="Charge"/> are for every message; all else is done by one
/// thread at a time, in the background.
/// </summary>
internal sealed class TenantQuota
{
    /// <summary>What is admitted of a tenant that is not loaded yet: so many messages, and no further one once there are so many bytes.</summary>
    public const int CreditMessages = 32;
    public const int CreditBytes = 64 * 1024;

    private const long SmallestPointsBlock = 1;
    private const long SmallestBytesBlock = 16 * 1024;
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(100);
    private static readonly long MaxStaleness = GateClock.Of(TimeSpan.FromMinutes(1));
    private static readonly long RetryInterval = GateClock.Of(TimeSpan.FromSeconds(1));
    private static readonly long StorageLookInterval = GateClock.Of(TimeSpan.FromMinutes(1));
    private static readonly long IdleAfter = GateClock.Of(TimeSpan.FromMinutes(1));

    private readonly QuotaContext _context;
    private readonly ConcurrentDictionary<string, RefusalLog> _refusals = new(StringComparer.Ordinal);
    private volatile TenantSnapshot? _snapshot;
    private volatile AmountLease _points;
    private volatile AmountLease _bytes;
    private (AmountLease Points, AmountLease Bytes)? _next;
    private TenantSnapshot? _lastSnapshot;
    private long _loadedAt;
    private long _askedAt = long.MaxValue;
    private long _notBefore;
    private long _lastUsedAt;
    private long _storageFullUntil;
    private long _storageLookAt;
    private long? _storageLimit;
    private int _creditMessages;
    private int _creditBytes;
    private int _isQueued;
    private int _isMaintenanceDue;
    private int _isExpired;

    public TenantQuota(TenantId tenant, QuotaContext context)
    {
        Tenant = tenant;
        _context = context;
        Shares = new RateShares(tenant, context);
        (_points, _bytes) = LeasesOf(QuotaPeriod.Of(context.UtcNow));
    }

    public TenantId Tenant { get; }

    /// <summary>For the background only.</summary>
    public RateShares Shares { get; }

    public UsageTally Tally { get; } = new();

    /// <summary>What is known; <see langword="null"/> before the first load and after a minute without use.</summary>
    public TenantSnapshot? Snapshot => _snapshot;

    public AmountLease Points => _points;

    public AmountLease Bytes => _bytes;

    public AdmissionDecision Admit(DeviceSession session, int bytes, long now)
    {
        if (now - Volatile.Read(ref _lastUsedAt) > GateClock.PerSecond)
            Volatile.Write(ref _lastUsedAt, now);
        var decision = Decide(session, bytes, now);
        if (decision.Reason == IngestReason.None)
            Tally.Admitted(bytes);
        else
            Tally.Refused(decision.Reason);
        if (NeedsWork(now))
            Enqueue(now);
        return decision;
    }

    /// <summary>Takes what has been committed.</summary>
    public void Charge(long points, long now)
    {
        Tally.Committed(points);
        while (!_points.TryCharge(points, now))
        {
            // Closed under our hands: its successor is there already.
        }

        _snapshot?.Points?.Charge(points, now);
        if (NeedsWork(now))
            Enqueue(now);
    }

    /// <summary>Whether background work waits or is being done.</summary>
    public bool IsQueued => Volatile.Read(ref _isQueued) != 0;

    /// <summary>Puts it in the queue of background work, unless it is there.</summary>
    public void Enqueue(long now)
    {
        if (Volatile.Read(ref _isQueued) != 0 || Interlocked.CompareExchange(ref _isQueued, 1, 0) != 0)
            return;
        if (Volatile.Read(ref _askedAt) == long.MaxValue)
            Volatile.Write(ref _askedAt, now);
        if (!_context.TryEnqueue(this))
            Volatile.Write(ref _isQueued, 0);
    }

    /// <summary>Says that the background work is over, and may be asked for again.</summary>
    public void Dequeued(bool failed)
    {
        if (failed)
            Volatile.Write(ref _notBefore, _context.Clock.Now + RetryInterval);
        else
            Volatile.Write(ref _askedAt, long.MaxValue);
        Volatile.Write(ref _isQueued, 0);
        if ((Volatile.Read(ref _isMaintenanceDue) | Volatile.Read(ref _isExpired)) != 0 && !failed)
            Enqueue(_context.Clock.Now);
    }

    /// <summary>Asks for <see cref="MaintainAsync"/> in the background.</summary>
    public void RequestMaintenance()
    {
        Volatile.Write(ref _isMaintenanceDue, 1);
        Enqueue(_context.Clock.Now);
    }

    /// <summary>Says that what is known, if anything, is old: it is read again at once, whether messages come or not.</summary>
    public void Expire()
    {
        if (_lastSnapshot is null)
            return;
        Volatile.Write(ref _isExpired, 1);
        Enqueue(_context.Clock.Now);
    }

    /// <summary>The background work, one call at a time.</summary>
    /// <returns>Whether counters may have moved enough for a warning.</returns>
    public async ValueTask<bool> WorkAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _isMaintenanceDue, 0) == 0)
            return await RefreshAsync(cancellationToken).ConfigureAwait(false);
        await MaintainAsync(cancellationToken).ConfigureAwait(false);
        return _snapshot is not null;
    }

    /// <summary>Reads the tenant again if it is time, and leases what is low.</summary>
    /// <returns>Whether anything was leased.</returns>
    private async ValueTask<bool> RefreshAsync(CancellationToken cancellationToken)
    {
        var now = _context.Clock.Now;
        var snapshot = _snapshot;
        var isExpired = Interlocked.Exchange(ref _isExpired, 0) != 0;
        if (snapshot is null || isExpired || now - Volatile.Read(ref _loadedAt) >= _context.SnapshotLifetime)
        {
            var tenant = await _context.Directory.FindAsync(Tenant, cancellationToken).ConfigureAwait(false);
            snapshot = TenantSnapshot.Of(tenant, _context.Options, _lastSnapshot);
            Volatile.Write(ref _loadedAt, now);
            _lastSnapshot = snapshot;
            _points.SetLimit(snapshot.LimitOf(TenantAmounts.PointsPerMonth));
            _bytes.SetLimit(snapshot.LimitOf(TenantAmounts.BytesPerMonth));
            if (snapshot.IsActive)
                await Shares.SyncAsync(snapshot, cancellationToken).ConfigureAwait(false);
        }

        var leased = false;
        if (snapshot.IsActive)
        {
            await RollAsync(isIdle: false, cancellationToken).ConfigureAwait(false);
            await LookAtStorageAsync(snapshot.LimitOf(TenantAmounts.StorageDays), now, cancellationToken).ConfigureAwait(false);
            leased = await RefillAsync(_points, cancellationToken).ConfigureAwait(false);
            leased |= await RefillAsync(_bytes, cancellationToken).ConfigureAwait(false);
        }

        // Shown only now: a message that finds the snapshot finds the first lease too.
        _snapshot = snapshot;
        return leased;
    }

    // Storage is charged once a day, so it need not be looked at often; and of a tenant without a limit never.
    private async ValueTask LookAtStorageAsync(long? limit, long now, CancellationToken cancellationToken)
    {
        if (limit == _storageLimit && (limit is null || now < _storageLookAt))
            return;
        var until = 0L;
        if (limit is not null)
        {
            var points = _points;
            var name = $"{TenantAmounts.StorageDays}@{points.Period.Name}";
            var counters = await _context.Store.ReadCountersAsync(Tenant, cancellationToken).ConfigureAwait(false);
            if ((counters.FirstOrDefault(counter => counter.Name == name)?.Used ?? 0) >= limit)
                until = points.EndsAt;
        }

        Volatile.Write(ref _storageFullUntil, until);
        (_storageLimit, _storageLookAt) = (limit, now + StorageLookInterval);
    }

    /// <summary>Counts what was spent without limit, and lets go of what is held once nobody has used it for a minute.</summary>
    private async ValueTask MaintainAsync(CancellationToken cancellationToken)
    {
        var now = _context.Clock.Now;
        _snapshot?.Sweep(now);
        var isIdle = now - Volatile.Read(ref _lastUsedAt) > IdleAfter;
        await RollAsync(isIdle, cancellationToken).ConfigureAwait(false);
        var isUsedUp = (_points.IsLimited && _points.IsUsedUp) || (_bytes.IsLimited && _bytes.IsUsedUp) || now < _storageFullUntil;
        if (isIdle && !isUsedUp)
        {
            _snapshot = null;
            Volatile.Write(ref _creditMessages, 0);
            Volatile.Write(ref _creditBytes, 0);
        }

        await SettleAsync(_points, isIdle, cancellationToken).ConfigureAwait(false);
        await SettleAsync(_bytes, isIdle, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives back all that is held.</summary>
    public async ValueTask ReleaseAsync(CancellationToken cancellationToken)
    {
        await SettleAsync(_points, isIdle: true, cancellationToken).ConfigureAwait(false);
        await SettleAsync(_bytes, isIdle: true, cancellationToken).ConfigureAwait(false);
        if (Exists)
            await Shares.LeaveAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether it can be forgotten: nobody uses it, it holds and owes nothing, and nothing of it waits to be written.</summary>
    public bool IsForgettable(long now) =>
        now - Volatile.Read(ref _lastUsedAt) > 10 * IdleAfter
        && _snapshot is null
        && (_lastSnapshot is not { Exists: true } || (_lastSnapshot.IsActive && _points.Balance == 0 && _bytes.Balance == 0));

    /// <summary>Whether there is such a tenant, as far as this host knows.</summary>
    public bool Exists => _lastSnapshot is { Exists: true };

    /// <summary>The limits that were warned of, by name and period. For the background only.</summary>
    public HashSet<string> Warned { get; } = new(StringComparer.Ordinal);

    /// <summary>Usage that is being written down. For the background only.</summary>
    public PendingUsage? Pending { get; set; }

    /// <summary>When this host last refused for a limit.</summary>
    public (DateTime? LastAt, long InHour) RefusalsOf(string name) =>
        _refusals.TryGetValue(name, out var log) ? log.Read(_context.Clock.Now, _context.Clock) : (null, 0);

    private AdmissionDecision Decide(DeviceSession session, int bytes, long now)
    {
        var snapshot = _snapshot;
        if (snapshot is null)
            return OnCredit(bytes, now);
        if (!snapshot.IsActive)
            return new AdmissionDecision(IngestReason.TenantInactive);
        if (now - Volatile.Read(ref _askedAt) > MaxStaleness)
            return new AdmissionDecision(IngestReason.RateLimited, Soon);

        var device = session.Device;
        var devices = session.IsGateway ? snapshot.GatewayMessages : snapshot.DeviceMessages;
        var deviceName = session.IsGateway ? TenantRates.MessagesPerGateway : TenantRates.MessagesPerDevice;
        if (snapshot.Points is { } points && points.WaitFor(1, now) is > 0 and var pointsWait)
        {
            points.Counts?.Refused();
            return TooFast(TenantRates.Points, pointsWait, now);
        }

        if (snapshot.DevicePoints is { } devicePoints && devicePoints.Of(device).WaitFor(1, now) is > 0 and var devicePointsWait)
            return TooFast(TenantRates.PointsPerDevice, devicePointsWait, now);
        if (_points.Look(now) is not LeaseAnswer.Taken and var answer)
            return TooMuch(_points, answer, now);
        if (Volatile.Read(ref _storageFullUntil) is var fullUntil && now < fullUntil)
        {
            LogOf(TenantAmounts.StorageDays).Add(now, _context.Clock);
            return new AdmissionDecision(IngestReason.QuotaExceeded, GateClock.ToTimeSpan(fullUntil - now));
        }

        if (snapshot.Messages is { } messages && messages.TryTake(1, now) is > 0 and var wait)
            return TooFast(TenantRates.Messages, wait, now);
        var gate = devices?.Of(device);
        if (gate is not null && gate.TryTake(1, now) is > 0 and var deviceWait)
        {
            snapshot.Messages?.GiveBack(1);
            return TooFast(deviceName, deviceWait, now);
        }

        var protocol = session.Protocol is { } name ? snapshot.Protocols.GetValueOrDefault(name) : null;
        if (protocol is not null && protocol.TryTake(1, now) is > 0 and var protocolWait)
        {
            snapshot.Messages?.GiveBack(1);
            gate?.GiveBack(1);
            return TooFast(snapshot.NameOf(protocol), protocolWait, now);
        }

        var taken = TakeBytes(bytes, now);
        if (taken == LeaseAnswer.Taken)
            return AdmissionDecision.Admitted;
        snapshot.Messages?.GiveBack(1);
        gate?.GiveBack(1);
        protocol?.GiveBack(1);
        return TooMuch(_bytes, taken, now);
    }

    // A tenant that was inactive when it was last seen gets no credit.
    private AdmissionDecision OnCredit(int bytes, long now)
    {
        if (_lastSnapshot is { IsActive: false })
            return new AdmissionDecision(IngestReason.TenantInactive);
        if (
            Volatile.Read(ref _creditBytes) >= CreditBytes
            || Volatile.Read(ref _creditMessages) >= CreditMessages
            || Interlocked.Increment(ref _creditMessages) > CreditMessages
        )
            return new AdmissionDecision(IngestReason.RateLimited, Soon);
        Interlocked.Add(ref _creditBytes, bytes);
        while (!_bytes.TryCharge(bytes, now))
        {
            // Closed under our hands: its successor is there already.
        }

        return AdmissionDecision.Admitted;
    }

    private LeaseAnswer TakeBytes(int bytes, long now)
    {
        LeaseAnswer answer;
        do
        {
            answer = _bytes.TryTake(bytes, now);
        } while (answer == LeaseAnswer.Closed);
        return answer;
    }

    private AdmissionDecision TooFast(string name, long wait, long now)
    {
        LogOf(name).Add(now, _context.Clock);
        return new AdmissionDecision(IngestReason.RateLimited, GateClock.ToTimeSpan(wait));
    }

    private AdmissionDecision TooMuch(AmountLease lease, LeaseAnswer answer, long now)
    {
        if (answer != LeaseAnswer.UsedUp)
            return new AdmissionDecision(IngestReason.RateLimited, Soon);
        LogOf(lease.Name).Add(now, _context.Clock);
        return new AdmissionDecision(IngestReason.QuotaExceeded, GateClock.ToTimeSpan(Math.Max(lease.EndsAt - now, 0)));
    }

    private RefusalLog LogOf(string name) =>
        _refusals.TryGetValue(name, out var log) ? log : _refusals.GetOrAdd(name, static _ => new RefusalLog());

    private bool NeedsWork(long now)
    {
        if (Volatile.Read(ref _isQueued) != 0 || now < Volatile.Read(ref _notBefore))
            return false;
        return _snapshot is not { } snapshot
            || now - Volatile.Read(ref _loadedAt) >= _context.SnapshotLifetime
            || (snapshot.IsActive && (now >= _points.EndsAt || _points.NeedsRefill(now) || _bytes.NeedsRefill(now)));
    }

    private async ValueTask<bool> RefillAsync(AmountLease lease, CancellationToken cancellationToken) =>
        lease.NeedsRefill(_context.Clock.Now)
        && await lease.RefillAsync(_context.Store, Tenant, _context.Clock, cancellationToken).ConfigureAwait(false);

    private async ValueTask SettleAsync(AmountLease lease, bool isIdle, CancellationToken cancellationToken)
    {
        if (Exists && (isIdle || !lease.IsLimited))
            await lease.SettleAsync(_context.Store, Tenant, cancellationToken).ConfigureAwait(false);
    }

    // At a period's end: the next one has its first lease before it is shown and pays what was spent since; the last one gets back what is left.
    private async ValueTask RollAsync(bool isIdle, CancellationToken cancellationToken)
    {
        if (_context.Clock.Now < _points.EndsAt)
            return;
        _next ??= LeasesOf(QuotaPeriod.Of(_context.UtcNow));
        var (points, bytes) = _next.Value;
        points.SetLimit(_lastSnapshot?.LimitOf(TenantAmounts.PointsPerMonth));
        bytes.SetLimit(_lastSnapshot?.LimitOf(TenantAmounts.BytesPerMonth));
        if (!isIdle)
        {
            await RefillAsync(points, cancellationToken).ConfigureAwait(false);
            await RefillAsync(bytes, cancellationToken).ConfigureAwait(false);
        }

        var (oldPoints, oldBytes) = (_points, _bytes);
        (_points, _bytes, _next) = (points, bytes, null);
        var changes = new List<ControlChange>();
        Close(oldPoints, points, changes);
        Close(oldBytes, bytes, changes);
        if (Exists && changes.Count > 0)
            await _context.Store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);
    }

    private void Close(AmountLease lease, AmountLease next, List<ControlChange> changes)
    {
        var (balance, overrun) = lease.Close();
        next.Owe(overrun);
        if (balance > 0 || (balance < 0 && !lease.IsLimited))
            changes.Add(ControlChange.Count(Tenant, lease.Counter, -balance));
    }

    private (AmountLease Points, AmountLease Bytes) LeasesOf(QuotaPeriod period)
    {
        var endsAt = _context.Clock.Now + GateClock.Of(period.EndsAt - _context.UtcNow);
        return (
            new AmountLease(TenantAmounts.PointsPerMonth, period, endsAt, SmallestPointsBlock),
            new AmountLease(TenantAmounts.BytesPerMonth, period, endsAt, SmallestBytesBlock)
        );
    }
}
