using System.Diagnostics.CodeAnalysis;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>
/// A client's subscription (Part 4 §5.14): its items here, its publishing in the other file. Everything but the properties that say otherwise
/// is called with <see cref="Gate"/> taken; with it taken, a connection's output may be taken, never the other way round.
/// </summary>
internal sealed partial class Subscription
{
    private readonly Dictionary<uint, MonitoredItem> _items = [];
    private readonly SubscriptionEngine _engine;
    private readonly IDisposable? _values;
    private MonitoredItem? _firstReady;
    private MonitoredItem? _lastReady;
    private MonitoredItem? _pending;
    private int _queuedValues;
    private int _links;
    private int _disabled;
    private int _deletedListed;
    private int _eventItems;

    // Who saw what is queued.
    private SessionIdentity _seer;

    public Subscription(
        SubscriptionEngine engine,
        uint id,
        SessionSubscriptions session,
        in SubscriptionSettings settings,
        bool publishingEnabled
    )
    {
        (_engine, Id, Settings, IsPublishingEnabled) = (engine, id, settings, publishingEnabled);
        Unacknowledged = new RetransmissionQueue(engine.Limits.MaxRetransmissionMessages, engine.Limits.MaxRetransmissionBytes);
        (Session, Owner, OwnerApplication) = (session, session.Identity, session.ApplicationUri);
        _seer = session.Identity;

        _values = engine.Values.Hold(session.Session);

        // The first tick says something even if there is nothing to say (Part 4 §5.14.1.2).
        _silentTicks = settings.MaxKeepAliveCount;
        DueAtMs = engine.NowMs + settings.PublishingMs;
        ServedAt = engine.NextTurn();
    }

    public Lock Gate { get; } = new();

    /// <summary>Readable without the lock.</summary>
    public uint Id { get; }

    /// <summary>The session it publishes to; <see langword="null"/> while it waits for its client to come back. Readable without the lock.</summary>
    public SessionSubscriptions? Session { get; private set; }

    /// <summary>Whose it is, also when its session is gone.</summary>
    public SessionIdentity Owner { get; private set; }

    /// <summary>Who reads what it has to say: its session's user as they are now, or its owner while it waits for them.</summary>
    public SessionIdentity Reader => Session?.Identity ?? Owner;

    /// <summary>The client application, which stands for an anonymous owner.</summary>
    public string? OwnerApplication { get; private set; }

    public SubscriptionSettings Settings { get; private set; }

    public bool IsPublishingEnabled { get; private set; }

    /// <summary>Readable without the lock.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Whether its conditions are being refreshed.</summary>
    public bool IsRefreshing { get; set; }

    public RetransmissionQueue Unacknowledged { get; }

    public IReadOnlyDictionary<uint, MonitoredItem> Items => _items;

    public long NowMs => _engine.NowMs;

    public IMonitoredValues Values => _engine.Values;

    public IMonitoredEvents Events => _engine.Events;

    /// <summary>What its items take of the room that queues have: the values queued beyond one per item, at most, and what events take.</summary>
    public int QueuedValues => _queuedValues;

    /// <summary>How many of its items are of events.</summary>
    public int EventItems => _eventItems;

    /// <summary>Adds an item, which is disabled yet.</summary>
    public void Add(MonitoredItem item)
    {
        _items.Add(item.Id, item);
        _disabled++;
        _eventItems += item is EventItem ? 1 : 0;
        _queuedValues += item.Cost;
        item.Watch();
    }

    public bool TryFind(uint itemId, [MaybeNullWhen(false)] out MonitoredItem item) => _items.TryGetValue(itemId, out item);

    public void Modify(ValueItem item, in ItemSettings settings)
    {
        _queuedValues -= item.Cost;
        item.Apply(settings);
        _queuedValues += item.Cost;
    }

    public void Modify(EventItem item, in ItemSettings settings, EventQuery query)
    {
        _queuedValues -= item.Cost;
        item.Apply(settings, query);
        _queuedValues += item.Cost;
    }

    public bool DeleteItem(uint itemId)
    {
        if (!_items.Remove(itemId, out var item))
            return false;
        item.Unwatch();
        _eventItems -= item is EventItem ? 1 : 0;
        _queuedValues -= item.Cost;
        _disabled -= item.Mode == MonitoringMode.Disabled ? 1 : 0;
        foreach (var linked in item.Links ?? [])
            linked.LinkedBy!.Remove(item);
        foreach (var trigger in item.LinkedBy ?? [])
            trigger.Links!.Remove(item);
        _links -= (item.Links?.Count ?? 0) + (item.LinkedBy?.Count ?? 0);
        item.Delete();
        if (item.IsReady || item.IsInPending)
            CountDeleted();
        return true;
    }

    public void SetMode(MonitoredItem item, MonitoringMode mode)
    {
        _disabled -= item.Mode == MonitoringMode.Disabled ? 1 : 0;
        _disabled += mode == MonitoringMode.Disabled ? 1 : 0;
        item.SetMode(mode);
    }

    public StatusCode AddLink(MonitoredItem trigger, MonitoredItem linked)
    {
        if (trigger.Links?.Contains(linked) == true)
            return StatusCodes.Good;
        if (_links >= _engine.Limits.MaxLinksPerSubscription)
            return StatusCodes.BadResourceUnavailable;
        (trigger.Links ??= []).Add(linked);
        (linked.LinkedBy ??= []).Add(trigger);
        _links++;
        return StatusCodes.Good;
    }

    public StatusCode RemoveLink(MonitoredItem trigger, MonitoredItem linked)
    {
        if (trigger.Links?.Remove(linked) != true)
            return StatusCodes.BadMonitoredItemIdInvalid;
        linked.LinkedBy!.Remove(trigger);
        _links--;
        if (trigger.Links.Count == 0)
            trigger.Links = null;
        return StatusCodes.Good;
    }

    /// <summary>Looks at what the session's user may see, who may be another one or have other permissions than before.</summary>
    public void CheckRights()
    {
        if (Session is not { } session)
            return;
        var seesLess = !Reader.SeesAllThat(_seer);
        _seer = Reader;
        var isAnyDenied = false;
        foreach (var item in _items.Values)
            isAnyDenied |= item.CheckRights(session.Session, seesLess);

        // Messages of before have what is not to be asked for again.
        if (isAnyDenied)
            Unacknowledged.Clear();
    }

    public void ResendData()
    {
        foreach (var item in _items.Values)
            item.Resend();
    }

    /// <summary>The current value of an item, with a server time.</summary>
    public DataValue ReadNow(ValueItem item)
    {
        var value = item.IsDenied ? DataValue.Of(StatusCodes.BadUserAccessDenied) : _engine.Values.Read(item.Attribute);
        return value.ServerTimestamp == 0 ? value with { ServerTimestamp = _engine.UaNow } : value;
    }

    public void AddReady(MonitoredItem item)
    {
        if (item.IsReady)
            return;
        item.IsReady = true;
        if (_lastReady is null)
            _firstReady = item;
        else
            _lastReady.NextReady = item;
        _lastReady = item;
    }

    public void AddPending(MonitoredItem item)
    {
        if (item.IsInPending)
            return;
        item.IsInPending = true;
        item.NextPending = _pending;
        _pending = item;
    }

    public void CountOverflow()
    {
        _overflows++;
        _engine.Metrics.ValueDiscarded();
    }

    /// <summary>Counts an event that found no room, and with the first of them the event that tells of it (Part 5 §12.15).</summary>
    public void CountEventOverflow(bool isTold)
    {
        _eventOverflows += isTold ? 1u : 0;
        _engine.Metrics.ValueDiscarded();
    }

    /// <summary>Lets go of its items and messages.</summary>
    public void Close()
    {
        IsClosed = true;
        Session = null;
        foreach (var item in _items.Values)
        {
            item.Unwatch();
            item.Delete();
        }

        _items.Clear();
        _eventItems = 0;
        (_firstReady, _lastReady, _pending) = (null, null, null);
        Unacknowledged.Clear();
        _values?.Dispose();
    }

    /// <summary>The first item whose values can be reported now.</summary>
    private MonitoredItem? FirstReportable()
    {
        while (_firstReady is { IsReportable: false })
            DropFirstReady();
        return _firstReady;
    }

    // Deleted items stay in the lists until their turn comes, but never more of them than others.
    private void CountDeleted()
    {
        const int few = 64;
        if (++_deletedListed <= Math.Max(few, _items.Count))
            return;
        _deletedListed = 0;
        var ready = _firstReady;
        (_firstReady, _lastReady) = (null, null);
        while (ready is not null)
        {
            var item = ready;
            (ready, item.NextReady, item.IsReady) = (item.NextReady, null, false);
            if (!item.IsDeleted)
                AddReady(item);
        }

        var pending = _pending;
        _pending = null;
        while (pending is not null)
        {
            var item = pending;
            (pending, item.NextPending, item.IsInPending) = (item.NextPending, null, false);
            if (!item.IsDeleted)
                AddPending(item);
        }
    }

    private void DropFirstReady()
    {
        var item = _firstReady!;
        _firstReady = item.NextReady;
        if (_firstReady is null)
            _lastReady = null;
        item.NextReady = null;
        item.IsReady = false;
    }

    private void SamplePending(long now)
    {
        var item = _pending;
        _pending = null;
        while (item is not null)
        {
            var next = item.NextPending;
            item.NextPending = null;
            item.IsInPending = false;
            if (!item.SamplePending(now))
                AddPending(item);
            item = next;
        }
    }
}
