using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Events;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>All subscriptions of the server and the one timer that drives them. Thread-safe.</summary>
internal sealed class SubscriptionEngine : IDisposable
{
    // Ticks that fall into the same few milliseconds share one run of the timer.
    private const int TimerStepMs = 10;

    private readonly ConcurrentDictionary<uint, Subscription> _byId = [];
    private readonly ConcurrentDictionary<TenantId, TenantUsage> _usage = [];
    private readonly List<Subscription> _due = [];
    private readonly Lock _ticking = new();
    private readonly Lock _arming = new();
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private readonly long _start;
    private PooledOutput? _spareOutput;
    private uint _lastItemId;
    private long _turn;

    public SubscriptionEngine(
        IMonitoredValues values,
        IMonitoredEvents events,
        SubscriptionLimits limits,
        TimeProvider time,
        OpcUaMetrics metrics,
        ILogger<SubscriptionEngine> log
    )
    {
        (Values, Events, Limits, Metrics, _time, _log, _start) = (values, events, limits, metrics, time, log, time.GetTimestamp());
        _timer = time.CreateTimer(
            static engine => ((SubscriptionEngine)engine!).Tick(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    public IMonitoredValues Values { get; }

    public IMonitoredEvents Events { get; }

    public SubscriptionLimits Limits { get; }

    public OpcUaMetrics Metrics { get; }

    /// <summary>All subscriptions, as they come.</summary>
    public IEnumerable<Subscription> All => _byId.Values;

    public int Count => _byId.Count;

    /// <summary>Milliseconds since the start.</summary>
    public long NowMs => (long)_time.GetElapsedTime(_start).TotalMilliseconds;

    /// <summary>The time, as messages carry it.</summary>
    public long UaNow => _time.GetUaTicks();

    public long NextTurn() => Interlocked.Increment(ref _turn);

    /// <summary>Numbers an item; no two on the server have the same number.</summary>
    public uint NextItemId()
    {
        uint id;
        do id = Interlocked.Increment(ref _lastItemId);
        while (id == 0);
        return id;
    }

    public TenantUsage UsageOf(TenantId tenant) => _usage.GetOrAdd(tenant, static _ => new TenantUsage());

    /// <summary>Counts an item that is to be made for a tenant.</summary>
    /// <returns><see langword="false"/> if the tenant has as many as it may.</returns>
    public bool TryAddItem(TenantId tenant)
    {
        if (!UsageOf(tenant).TryAddItem(Limits.MaxItemsPerTenant))
            return false;
        Metrics.MonitoredItems(1);
        return true;
    }

    /// <summary>Counts an item of events besides.</summary>
    /// <returns><see langword="false"/> if the tenant has as many as it may.</returns>
    public bool TryAddEventItem(TenantId tenant) => UsageOf(tenant).TryAddEventItem(Limits.MaxEventItemsPerTenant);

    public void RemoveEventItems(TenantId tenant, int count) => UsageOf(tenant).RemoveEventItems(count);

    public void RemoveItems(TenantId tenant, int count) => RemoveItems(UsageOf(tenant), count);

    /// <returns>Good, BadTooManySubscriptions or BadSessionClosed.</returns>
    public StatusCode Create(
        SessionSubscriptions session,
        in SubscriptionSettings settings,
        bool publishingEnabled,
        out Subscription? subscription
    )
    {
        subscription = null;
        var usage = UsageOf(session.Identity.Tenant);
        if (!usage.TryAddSubscription(Limits.MaxSubscriptionsPerTenant))
            return StatusCodes.BadTooManySubscriptions;

        // Random, so that after a restart no client takes another's subscription for its own.
        subscription = new Subscription(this, RandomId(), session, settings, publishingEnabled);
        while (!_byId.TryAdd(subscription.Id, subscription))
        {
            subscription.Close();
            subscription = new Subscription(this, RandomId(), session, settings, publishingEnabled);
        }

        Metrics.Subscriptions(1);
        var status = session.Add(subscription);
        if (status.IsGood)
        {
            Arm();
            return status;
        }

        Close(subscription);
        subscription = null;
        return status;
    }

    public Subscription? Find(uint id) => _byId.GetValueOrDefault(id);

    /// <summary>Finds a subscription of a session. That of any other session is unknown to it.</summary>
    public bool TryFind(SessionSubscriptions session, uint id, [MaybeNullWhen(false)] out Subscription subscription) =>
        _byId.TryGetValue(id, out subscription) && subscription.Session == session;

    /// <summary>Makes the timer run when the next tick is due.</summary>
    public void Arm()
    {
        lock (_arming)
        {
            var next = long.MaxValue;
            foreach (var (_, subscription) in _byId)
                next = Math.Min(next, subscription.DueAtMs);
            if (next == long.MaxValue)
                return;
            var wait = (next + TimerStepMs - 1) / TimerStepMs * TimerStepMs - NowMs;
            _timer.Change(TimeSpan.FromMilliseconds(Math.Max(wait, 1)), Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Answers what is late for a session that has Publish requests again: by priority, equals in turn.</summary>
    public static void ServeLate(SessionSubscriptions session)
    {
        while (session.Requests.Count > 0)
        {
            Subscription? first = null;
            foreach (var subscription in session.Subscriptions)
            {
                if (subscription.IsLate && (first is null || ByTurn(subscription, first) < 0))
                    first = subscription;
            }

            if (first is null)
                return;
            lock (first.Gate)
            {
                if (first.IsClosed || first.Session != session)
                    return;
                first.Serve();
            }
        }
    }

    /// <summary>Deletes a subscription of a session.</summary>
    public bool Delete(SessionSubscriptions session, uint id)
    {
        if (!TryFind(session, id, out var subscription))
            return false;
        lock (subscription.Gate)
        {
            if (subscription.IsClosed || subscription.Session != session)
                return false;
            Close(subscription);
        }

        session.Remove(subscription);
        FaultIfNone(session);
        return true;
    }

    /// <summary>Gives a subscription to another session of the same client (Part 4 §5.14.7).</summary>
    public StatusCode Transfer(SessionSubscriptions to, uint id, bool sendInitialValues, out uint[] available)
    {
        available = [];
        if (!_byId.TryGetValue(id, out var subscription) || subscription.Owner.Tenant != to.Identity.Tenant)
            return StatusCodes.BadSubscriptionIdInvalid;
        SessionSubscriptions? from;
        byte[] message;
        lock (subscription.Gate)
        {
            if (subscription.IsClosed)
                return StatusCodes.BadSubscriptionIdInvalid;
            if (!IsOwner(subscription, to))
                return StatusCodes.BadUserAccessDenied;
            from = subscription.Session;
            if (from != to)
            {
                var status = to.Add(subscription);
                if (!status.IsGood)
                    return status;
            }

            message = subscription.MakeStatusChange(StatusCodes.GoodSubscriptionTransferred);
            subscription.MoveTo(to);
            subscription.CheckRights();
            available = subscription.Unacknowledged.SequenceNumbers();
            if (sendInitialValues)
                subscription.ResendData();
        }

        if (from is not null && from != to)
        {
            from.Remove(subscription);
            from.Post(id, message);
            FaultIfNone(from);
        }

        ServeLate(to);
        return StatusCodes.Good;
    }

    /// <summary>A session's user is another, or may do other things.</summary>
    public static void CheckRights(SessionSubscriptions session)
    {
        foreach (var subscription in session.Subscriptions)
        {
            lock (subscription.Gate)
            {
                if (!subscription.IsClosed && subscription.Session == session)
                    subscription.CheckRights();
            }
        }
    }

    /// <summary>A session is gone: its subscriptions go too, or wait for their client until their lifetime is over.</summary>
    public void CloseSession(SessionSubscriptions session, bool deleteSubscriptions)
    {
        foreach (var subscription in session.Close())
        {
            lock (subscription.Gate)
            {
                if (subscription.IsClosed || subscription.Session != session)
                    continue;
                if (deleteSubscriptions)
                    Close(subscription);
                else
                    subscription.MoveTo(null);
            }
        }

        session.FaultAll(StatusCodes.BadSessionClosed);
    }

    public PooledOutput RentOutput() => Interlocked.Exchange(ref _spareOutput, null) ?? new PooledOutput();

    public void GiveBack(PooledOutput output) => Volatile.Write(ref _spareOutput, output);

    public void Dispose()
    {
        _timer.Dispose();
        foreach (var (_, subscription) in _byId)
        {
            lock (subscription.Gate)
                Close(subscription);
        }
    }

    private void RemoveItems(TenantUsage usage, int count)
    {
        usage.RemoveItems(count);
        Metrics.MonitoredItems(-count);
    }

    private static void FaultIfNone(SessionSubscriptions session)
    {
        if (session.HasNone)
            session.FaultAll(StatusCodes.BadNoSubscription);
    }

    // An anonymous client is known by its application alone.
    private static bool IsOwner(Subscription subscription, SessionSubscriptions session) =>
        subscription.Owner.IsSameAs(session.Identity)
        && (
            !session.Identity.IsAnonymous || string.Equals(subscription.OwnerApplication, session.ApplicationUri, StringComparison.Ordinal)
        );

    private static int ByTurn(Subscription left, Subscription right)
    {
        var byPriority = right.Settings.Priority.CompareTo(left.Settings.Priority);
        return byPriority != 0 ? byPriority : left.ServedAt.CompareTo(right.ServedAt);
    }

    private static uint RandomId()
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        uint id;
        do
        {
            RandomNumberGenerator.Fill(bytes);
            id = BitConverter.ToUInt32(bytes);
        } while (id == 0);
        return id;
    }

    private void Tick()
    {
        lock (_ticking)
        {
            var now = NowMs;
            foreach (var (_, subscription) in _byId)
            {
                if (subscription.DueAtMs <= now)
                    _due.Add(subscription);
            }

            _due.Sort(ByTurn);
            foreach (var subscription in _due)
                Tick(subscription, now);
            _due.Clear();
        }

        Arm();
    }

    private void Tick(Subscription subscription, long now)
    {
        try
        {
            SessionSubscriptions? session;
            byte[] message;
            lock (subscription.Gate)
            {
                if (subscription.IsClosed || subscription.Tick(now))
                    return;
                session = subscription.Session;
                message = subscription.MakeStatusChange(StatusCodes.BadTimeout);
                Close(subscription);
            }

            Metrics.SubscriptionExpired();
            if (session is null)
                return;
            session.Remove(subscription);
            session.Post(subscription.Id, message);
            FaultIfNone(session);
        }
        catch (Exception e)
        {
            // One that cannot be served must not keep the others from being served.
            _log.SubscriptionFailed(subscription.Id, e);
        }
    }

    private void Close(Subscription subscription)
    {
        var usage = UsageOf(subscription.Owner.Tenant);
        RemoveItems(usage, subscription.Items.Count);
        usage.RemoveEventItems(subscription.EventItems);
        subscription.Close();
        if (!_byId.TryRemove(subscription.Id, out _))
            return;
        usage.RemoveSubscription();
        Metrics.Subscriptions(-1);
    }
}
