using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>
/// Watches one attribute: samples its values, filters them and queues what is news. One object per item and nothing else unless its queue is longer than one.
/// </summary>
internal sealed class ValueItem(Subscription subscription, uint id, in MonitoredAttribute attribute, in NumericRange range)
    : MonitoredItem(subscription, id),
        IValueWatcher
{
    private readonly MonitoredAttribute _attribute = attribute;
    private readonly NumericRange _range = range;

    // The newest value that was news, for the filter; with a queue of one it is also what is queued.
    private DataValue _last;

    // The newest value, when it came before its time to be sampled.
    private DataValue _pending;
    private DataValue[]? _queue;
    private int _head;
    private int _queued;
    private long _nextSampleAt;
    private bool _hasLast;

    public ref readonly MonitoredAttribute Attribute => ref _attribute;

    public bool HasPending { get; private set; }

    /// <summary>Whether the session's user may not see what it watches: then that is all it reports.</summary>
    public bool IsDenied { get; private set; }

    public override int Cost => Settings.QueueSize - 1;

    protected override int Queued => _queued;

    public override void Watch() => Subscription.Values.Watch(_attribute, this);

    public override void Unwatch() => Subscription.Values.Unwatch(_attribute, this);

    public void OnValue(in DataValue value)
    {
        lock (Subscription.Gate)
        {
            if (!IsDeleted && !IsDenied && Mode != MonitoringMode.Disabled)
                Offer(value, Subscription.NowMs);
        }
    }

    /// <summary>Begins to sample in a mode, with the current value first.</summary>
    public override void SetMode(MonitoringMode mode)
    {
        var was = Mode;
        Mode = mode;
        if (mode == MonitoringMode.Disabled)
        {
            Clear();
            return;
        }

        if (was == MonitoringMode.Disabled)
        {
            _nextSampleAt = Subscription.NowMs + Settings.SamplingMs;
            Sample(Subscription.ReadNow(this));
        }
        else if (IsReportable)
        {
            Subscription.AddReady(this);
        }
    }

    public override bool CheckRights(UaSession session, bool seesLess)
    {
        var isDenied = !Subscription.Values.MayRead(session, _attribute);
        if (isDenied == IsDenied)
            return false;
        IsDenied = isDenied;
        if (Mode != MonitoringMode.Disabled)
        {
            Clear();
            Sample(Subscription.ReadNow(this));
        }

        return isDenied;
    }

    /// <summary>Takes new settings on. Values that do not fit into the queue any more are discarded by its own rule.</summary>
    public void Apply(in ItemSettings settings)
    {
        var values = new DataValue[_queued];
        for (var i = 0; i < values.Length; i++)
            values[i] = At(i);
        var first = settings.DiscardOldest ? Math.Max(values.Length - settings.QueueSize, 0) : 0;
        var overflows = values.Length > settings.QueueSize;
        if (overflows && !settings.DiscardOldest)
            values[settings.QueueSize - 1] = values[^1];
        var keep = Math.Min(values.Length, settings.QueueSize);

        SetSettings(settings);
        _nextSampleAt = Math.Min(_nextSampleAt, Subscription.NowMs + settings.SamplingMs);
        _head = 0;
        _queued = keep;
        _queue = settings.QueueSize == 1 ? null : new DataValue[Math.Max(keep, 1)];
        if (_queue is null)
            return;
        Array.Copy(values, first, _queue, 0, keep);
        if (overflows)
            MarkOverflow(settings.DiscardOldest ? 0 : keep - 1);
    }

    public override bool SamplePending(long now)
    {
        if (!HasPending || IsDeleted)
            return true;
        if (_nextSampleAt > now)
            return false;
        var value = _pending;
        HasPending = false;
        _pending = default;
        _nextSampleAt += Settings.SamplingMs;
        Sample(value);
        return true;
    }

    public override void Resend()
    {
        if (Mode != MonitoringMode.Reporting || _queued > 0)
            return;
        var value = Ranged(Subscription.ReadNow(this));
        _last = value;
        _hasLast = true;
        Enqueue(value);
    }

    /// <summary>The oldest value that is queued, as the client wants to see it.</summary>
    public DataValue Oldest() => WithTimestamps(At(0));

    public override void DropOldest()
    {
        if (_queue is not null)
        {
            _queue[_head] = default;
            _head = (_head + 1) % _queue.Length;
        }

        if (--_queued == 0)
            IsTriggered = false;
    }

    private void Offer(in DataValue value, long now)
    {
        SamplePending(now);
        if (Settings.SamplingMs > 0)
        {
            if (now < _nextSampleAt)
            {
                _pending = value;
                HasPending = true;
                Subscription.AddPending(this);
                return;
            }

            _nextSampleAt = now + Settings.SamplingMs;
        }

        Sample(value);
    }

    private void Sample(in DataValue value)
    {
        var sample = Ranged(value);
        if (_hasLast && !Settings.Filter.Passes(_last, sample))
            return;
        _last = sample;
        _hasLast = true;
        Enqueue(sample);
        TriggerLinks();
    }

    private DataValue Ranged(in DataValue value)
    {
        if (_range.IsNone || value.Value.IsNull)
            return value;
        var status = _range.Apply(value.Value, out var part);
        return status.IsGood ? value with { Value = part } : value with { Value = default, Status = status };
    }

    private void Enqueue(in DataValue value)
    {
        if (_queue is null)
        {
            // With a queue of one there is no overflow: the newest value is all that is asked for.
            _queued = 1;
        }
        else if (_queued < Settings.QueueSize)
        {
            if (_queued == _queue.Length)
                Grow();
            _queue[(_head + _queued++) % _queue.Length] = value;
        }
        else
        {
            Subscription.CountOverflow();
            if (Settings.DiscardOldest)
            {
                _queue[_head] = value;
                _head = (_head + 1) % _queue.Length;
                MarkOverflow(0);
            }
            else
            {
                _queue[(_head + _queued - 1) % _queue.Length] = value;
                MarkOverflow(_queued - 1);
            }
        }

        if (IsReportable)
            Subscription.AddReady(this);
    }

    private ref readonly DataValue At(int index)
    {
        if (_queue is null)
            return ref _last;
        return ref _queue[(_head + index) % _queue.Length];
    }

    private void MarkOverflow(int index)
    {
        ref var value = ref _queue![(_head + index) % _queue.Length];
        value = value with { Status = value.Status.WithOverflow() };
    }

    private void Grow()
    {
        var grown = new DataValue[Math.Min(Math.Max(_queue!.Length * 2, 4), Settings.QueueSize)];
        for (var i = 0; i < _queued; i++)
            grown[i] = At(i);
        _queue = grown;
        _head = 0;
    }

    protected override void Clear()
    {
        while (_queued > 0)
            DropOldest();
        (_head, _hasLast, HasPending, IsTriggered) = (0, false, false, false);
        (_last, _pending) = (default, default);
    }

    private DataValue WithTimestamps(in DataValue value) =>
        Settings.Timestamps switch
        {
            TimestampsToReturn.Source => value with { ServerTimestamp = 0, ServerPicoseconds = 0 },
            TimestampsToReturn.Server => value with { SourceTimestamp = 0, SourcePicoseconds = 0 },
            TimestampsToReturn.Neither => new DataValue(value.Value, value.Status),
            _ => value,
        };
}
