using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>
/// Watches one attribute for one subscription: samples its values, filters them and queues what is news (Part 4 §5.13). One object per item and nothing
/// else unless its queue is longer than one. All but <see cref="OnValue"/> is called with the subscription locked.
/// </summary>
internal sealed class MonitoredItem(Subscription subscription, uint id, in MonitoredAttribute attribute, in NumericRange range)
    : IValueWatcher
{
    private readonly MonitoredAttribute _attribute = attribute;
    private readonly NumericRange _range = range;
    private ItemSettings _settings;

    // The newest value that was news, for the filter; with a queue of one it is also what is queued.
    private DataValue _last;

    // The newest value, when it came before its time to be sampled.
    private DataValue _pending;
    private DataValue[]? _queue;
    private int _head;
    private int _queued;
    private long _nextSampleAt;
    private bool _hasLast;

    public uint Id { get; } = id;

    public ref readonly MonitoredAttribute Attribute => ref _attribute;

    public ref readonly ItemSettings Settings => ref _settings;

    public MonitoringMode Mode { get; private set; } = MonitoringMode.Disabled;

    public bool IsDeleted { get; private set; }

    /// <summary>Whether the session's user may not see what it watches: then that is all it reports.</summary>
    public bool IsDenied { get; private set; }

    /// <summary>Whether values wait that the next notification may carry.</summary>
    public bool IsReportable => _queued > 0 && (Mode == MonitoringMode.Reporting || IsTriggered);

    /// <summary>Whether a link has asked for what is queued, once.</summary>
    public bool IsTriggered { get; private set; }

    public bool HasPending { get; private set; }

    /// <summary>The items that report along with this one.</summary>
    public List<MonitoredItem>? Links { get; set; }

    /// <summary>The items that have this one among their <see cref="Links"/>.</summary>
    public List<MonitoredItem>? LinkedBy { get; set; }

    // The lists of the subscription go through its items.
    public MonitoredItem? NextReady { get; set; }

    public bool IsReady { get; set; }

    public MonitoredItem? NextPending { get; set; }

    public bool IsInPending { get; set; }

    public void OnValue(in DataValue value)
    {
        lock (subscription.Gate)
        {
            if (!IsDeleted && !IsDenied && Mode != MonitoringMode.Disabled)
                Offer(value, subscription.NowMs);
        }
    }

    /// <summary>Begins to sample in a mode, with the current value first.</summary>
    public void SetMode(MonitoringMode mode)
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
            _nextSampleAt = subscription.NowMs + _settings.SamplingMs;
            Sample(subscription.ReadNow(this));
        }
        else if (IsReportable)
        {
            subscription.AddReady(this);
        }
    }

    /// <summary>Stops it for a user who may not see what it watches, with all that is queued; or lets it go on.</summary>
    public void SetDenied(bool isDenied)
    {
        if (isDenied == IsDenied)
            return;
        IsDenied = isDenied;
        if (Mode == MonitoringMode.Disabled)
            return;
        Clear();
        Sample(subscription.ReadNow(this));
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

        _settings = settings;
        _nextSampleAt = Math.Min(_nextSampleAt, subscription.NowMs + settings.SamplingMs);
        _head = 0;
        _queued = keep;
        _queue = settings.QueueSize == 1 ? null : new DataValue[Math.Max(keep, 1)];
        if (_queue is null)
            return;
        Array.Copy(values, first, _queue, 0, keep);
        if (overflows)
            MarkOverflow(settings.DiscardOldest ? 0 : keep - 1);
    }

    /// <summary>Samples the value that waits, if its time has come.</summary>
    /// <returns><see langword="false"/> if it still waits.</returns>
    public bool SamplePending(long now)
    {
        if (!HasPending || IsDeleted)
            return true;
        if (_nextSampleAt > now)
            return false;
        var value = _pending;
        HasPending = false;
        _pending = default;
        _nextSampleAt += _settings.SamplingMs;
        Sample(value);
        return true;
    }

    /// <summary>Reports what is queued now, though the mode is Sampling.</summary>
    public void Trigger()
    {
        if (IsDeleted || Mode != MonitoringMode.Sampling || _queued == 0)
            return;
        IsTriggered = true;
        subscription.AddReady(this);
    }

    /// <summary>Queues the current value again if none is queued: the client has asked to be told once more.</summary>
    public void Resend()
    {
        if (Mode != MonitoringMode.Reporting || _queued > 0)
            return;
        var value = Ranged(subscription.ReadNow(this));
        _last = value;
        _hasLast = true;
        Enqueue(value);
    }

    /// <summary>The oldest value that is queued, as the client wants to see it.</summary>
    public DataValue Oldest() => WithTimestamps(At(0));

    /// <summary>Takes the oldest value out of the queue.</summary>
    public void DropOldest()
    {
        if (_queue is not null)
        {
            _queue[_head] = default;
            _head = (_head + 1) % _queue.Length;
        }

        if (--_queued == 0)
            IsTriggered = false;
    }

    public void Delete()
    {
        IsDeleted = true;
        Clear();
        (Links, LinkedBy) = (null, null);
    }

    private void Offer(in DataValue value, long now)
    {
        SamplePending(now);
        if (_settings.SamplingMs > 0)
        {
            if (now < _nextSampleAt)
            {
                _pending = value;
                HasPending = true;
                subscription.AddPending(this);
                return;
            }

            _nextSampleAt = now + _settings.SamplingMs;
        }

        Sample(value);
    }

    private void Sample(in DataValue value)
    {
        var sample = Ranged(value);
        if (_hasLast && !_settings.Filter.Passes(_last, sample))
            return;
        _last = sample;
        _hasLast = true;
        Enqueue(sample);
        if (Links is null)
            return;
        foreach (var linked in Links)
            linked.Trigger();
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
        else if (_queued < _settings.QueueSize)
        {
            if (_queued == _queue.Length)
                Grow();
            _queue[(_head + _queued++) % _queue.Length] = value;
        }
        else
        {
            subscription.CountOverflow();
            if (_settings.DiscardOldest)
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
            subscription.AddReady(this);
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
        var grown = new DataValue[Math.Min(Math.Max(_queue!.Length * 2, 4), _settings.QueueSize)];
        for (var i = 0; i < _queued; i++)
            grown[i] = At(i);
        _queue = grown;
        _head = 0;
    }

    private void Clear()
    {
        while (_queued > 0)
            DropOldest();
        (_head, _hasLast, HasPending, IsTriggered) = (0, false, false, false);
        (_last, _pending) = (default, default);
    }

    private DataValue WithTimestamps(in DataValue value) =>
        _settings.Timestamps switch
        {
            TimestampsToReturn.Source => value with { ServerTimestamp = 0, ServerPicoseconds = 0 },
            TimestampsToReturn.Server => value with { SourceTimestamp = 0, SourcePicoseconds = 0 },
            TimestampsToReturn.Neither => new DataValue(value.Value, value.Status),
            _ => value,
        };
}
