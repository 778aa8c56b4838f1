using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Alarms;

/// <summary>The alarms of a tenant's space, as far as they have been heard of. Thread-safe; read without locks.</summary>
internal sealed class SpaceAlarms(TenantSpace space)
{
    // Alarms that matter no more, so that who acknowledges them once more is told that somebody has.
    private const int MostClosed = 1000;

    private readonly ConcurrentDictionary<string, Condition> _conditions = new(StringComparer.Ordinal);
    private readonly Queue<string> _closed = [];
    private readonly Lock _changing = new();
    private long _touched;

    /// <summary>The events of all retained alarms of devices that are there, as of now.</summary>
    public List<UaEvent> Retained =>
        [
            .. _conditions
                .Values.Where(condition => condition is { State.IsRetained: true, Event.Device.IsRemoved: false })
                .Select(condition => condition.Event),
        ];

    public bool TryFind(string alarm, [MaybeNullWhen(false)] out Condition condition) => _conditions.TryGetValue(alarm, out condition);

    /// <summary>Takes a new state over and tells of it.</summary>
    public void Change(AlarmState state, EventMaker maker)
    {
        // With the lock, so that the states of an alarm are told in their order.
        lock (_changing)
        {
            if (Take(state, maker) is { } e)
                space.Events.Raise(e);
        }
    }

    /// <summary>Makes the alarms those that are retained, and tells nobody.</summary>
    /// <param name="since">What <see cref="Mark"/> said before they were read: what was heard of later is newer.</param>
    /// <param name="retained">The alarms.</param>
    /// <param name="maker">Makes their events.</param>
    public void Reconcile(long since, IReadOnlyList<AlarmState> retained, EventMaker maker)
    {
        lock (_changing)
        {
            var listed = new HashSet<string>(StringComparer.Ordinal);
            foreach (var state in retained)
            {
                listed.Add(state.AlarmId);
                Take(state, maker);
            }

            foreach (var (alarm, condition) in _conditions)
            {
                if (condition.State.IsRetained && condition.Touched <= since && !listed.Contains(alarm))
                    _conditions.TryRemove(alarm, out _);
            }
        }
    }

    /// <summary>What has been heard of so far.</summary>
    public long Mark()
    {
        lock (_changing)
            return _touched;
    }

    private AlarmEvent? Take(AlarmState state, EventMaker maker)
    {
        if (state.Tenant != space.Tenant || !space.TryFindDevice(state.Device, out var device))
            return null;
        _conditions.TryGetValue(state.AlarmId, out var before);
        if (before is null ? _conditions.Count >= IAlarmSource.MaxRetained + MostClosed : before.State.Version >= state.Version)
            return null;

        var severity = (ushort)Math.Clamp(state.Severity, 1, AlarmState.MaxSeverity);
        var head = maker.OfDevice(
            space,
            device,
            NodeIds.AlarmConditionType,
            UaDateTime.FromTicks(state.Time.Ticks),
            state.Message,
            severity
        );
        var e = new AlarmEvent(
            head,
            state,
            (ushort)Math.Clamp(before?.State.Severity ?? severity, 1, AlarmState.MaxSeverity),
            InputOf(state)
        );
        _conditions[state.AlarmId] = new Condition(state, e, Condition.After(before, state, e), ++_touched);
        if (!state.IsRetained)
            Close(state.AlarmId);
        return e;
    }

    private void Close(string alarm)
    {
        _closed.Enqueue(alarm);
        while (_closed.Count > MostClosed)
        {
            var oldest = _closed.Dequeue();
            if (_conditions.TryGetValue(oldest, out var condition) && !condition.State.IsRetained)
                _conditions.TryRemove(oldest, out _);
        }
    }

    private static NodeId InputOf(AlarmState state) =>
        state.Metric is null ? default : NodeId.OfString(TenantSpace.DevicesNamespace, $"{state.Device}/{state.Metric}");
}
