using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>
/// Watches a notifier: queues the events that pass its filter. What is queued is the events themselves, which all items share; what a client wants of them is
/// taken when they are sent.
/// </summary>
internal sealed class EventItem(Subscription subscription, uint id, IEventNotifier notifier, EventQuery query)
    : MonitoredItem(subscription, id),
        IEventWatcher
{
    /// <summary>The attribute EventNotifier, by which a node's events are watched.</summary>
    public const uint Attribute = 12;

    private const int SmallestQueue = 4;

    private UaEvent[] _queue = [];
    private int _head;
    private int _queued;

    // Stands for events that found no room; in addition to those that are queued.
    private UaEvent? _overflow;

    public EventQuery Query { get; private set; } = query;

    public override int Cost => Settings.QueueSize + Query.Cost;

    /// <summary>The oldest event that is queued.</summary>
    public UaEvent Oldest => IsOverflowFirst ? _overflow! : _queue[_head];

    protected override int Queued => _overflow is null ? _queued : _queued + 1;

    // Part 4 §5.13.1.5: where the lost ones were, at the beginning or at the end.
    private bool IsOverflowFirst => _overflow is not null && (_queued == 0 || Settings.DiscardOldest);

    public override void Watch() => notifier.Watch(this);

    public override void Unwatch() => notifier.Unwatch(this);

    public void OnEvent(UaEvent e)
    {
        lock (Subscription.Gate)
        {
            if (!IsDeleted && Mode != MonitoringMode.Disabled)
                Offer(e);
        }
    }

    /// <summary>
    /// Tells once more of conditions (OPC 10000-9 §5.5.7): those that are to be seen here and pass the filter, between a beginning and an end that no filter keeps
    /// back.
    /// </summary>
    public void Refresh(UaEvent start, IReadOnlyList<UaEvent> conditions, UaEvent end)
    {
        if (Mode == MonitoringMode.Disabled)
            return;
        Enqueue(start);
        foreach (var condition in conditions)
            Offer(condition);
        Enqueue(end);
    }

    public override void SetMode(MonitoringMode mode)
    {
        Mode = mode;
        if (mode == MonitoringMode.Disabled)
            Clear();
        else if (IsReportable)
            Subscription.AddReady(this);
    }

    public override bool CheckRights(UaSession session, bool seesLess)
    {
        if (!seesLess)
            return false;
        if (Queued > 0)
        {
            Clear();
            Overflow();
            if (IsReportable)
                Subscription.AddReady(this);
        }

        return true;
    }

    /// <summary>Takes new settings on. Events that do not fit into the queue any more are discarded by its own rule.</summary>
    public void Apply(in ItemSettings settings, EventQuery query)
    {
        var kept = Math.Min(_queued, settings.QueueSize);
        var queue = kept == 0 ? [] : new UaEvent[kept];
        var first = settings.DiscardOldest ? _queued - kept : 0;
        for (var i = 0; i < kept; i++)
            queue[i] = _queue[(_head + first + i) % _queue.Length];
        var overflows = kept < _queued;
        if (overflows && !settings.DiscardOldest)
            queue[kept - 1] = _queue[(_head + _queued - 1) % _queue.Length];
        (_queue, _head, _queued) = (queue, 0, kept);
        SetSettings(settings);
        Query = query;
        if (overflows)
            Overflow();
    }

    public override void DropOldest()
    {
        if (IsOverflowFirst)
        {
            _overflow = null;
        }
        else
        {
            _queue[_head] = null!;
            _head = (_head + 1) % _queue.Length;
            _queued--;
        }

        if (Queued > 0)
            return;
        IsTriggered = false;
        (_queue, _head) = ([], 0);
    }

    protected override void Clear()
    {
        (_queue, _head, _queued, _overflow) = ([], 0, 0, null);
        IsTriggered = false;
    }

    private void Offer(UaEvent e)
    {
        if (notifier.See(e, Subscription.Reader) is { } seen && Query.Passes(seen))
            Enqueue(seen);
    }

    private void Enqueue(UaEvent e)
    {
        if (_queued < Settings.QueueSize)
        {
            if (_queued == _queue.Length)
                Grow();
            _queue[(_head + _queued++) % _queue.Length] = e;
        }
        else
        {
            if (Settings.DiscardOldest)
            {
                _queue[_head] = e;
                _head = (_head + 1) % _queue.Length;
            }
            else
            {
                _queue[(_head + _queued - 1) % _queue.Length] = e;
            }

            Overflow();
        }

        if (IsReportable)
            Subscription.AddReady(this);
        TriggerLinks();
    }

    private void Overflow()
    {
        Subscription.CountEventOverflow(isTold: _overflow is null);
        _overflow ??= Subscription.Events.Maker.MakeOverflow();
    }

    private void Grow()
    {
        var grown = new UaEvent[Math.Min(Math.Max(_queue.Length * 2, SmallestQueue), Settings.QueueSize)];
        for (var i = 0; i < _queued; i++)
            grown[i] = _queue[(_head + i) % _queue.Length];
        (_queue, _head) = (grown, 0);
    }
}
