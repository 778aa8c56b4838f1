using Insa.Iiot.Protocols.OpcUa.Subscriptions;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>
/// A device of a tenant with its newest values. Written under its own lock, read without any: a reader that meets a writer reads again, so that what it has
/// is of one moment.
/// </summary>
internal sealed class DeviceNode
{
    private readonly byte[] _idUtf8;
    private readonly Lock _lock = new();
    private volatile LatestValues _values = LatestValues.None;
    private volatile Device _device;
    private volatile IValueWatcher[]?[]? _watchers;
    private int _sequence;
    private int _version = 1;

    public DeviceNode(Device device)
    {
        _device = device;
        Id = device.Id;
        _idUtf8 = System.Text.Encoding.ASCII.GetBytes(Id.Value);
    }

    public DeviceId Id { get; }

    public ReadOnlySpan<byte> IdUtf8 => _idUtf8;

    /// <summary>What the registry says of it.</summary>
    public Device Registered => _device;

    /// <summary>Counts changes of its nodes.</summary>
    public int Version => Volatile.Read(ref _version);

    /// <summary>Whether it has left the tenant: then nothing of it is found any more.</summary>
    public bool IsRemoved { get; private set; }

    public MetricShape Shape => _values.Shape;

    public void Remove() => IsRemoved = true;

    /// <summary>Takes over what the registry says.</summary>
    /// <returns>What has become of its reference to the property Gateway, which only devices behind a gateway have.</returns>
    public ModelChangeVerbs Register(Device device)
    {
        lock (_lock)
        {
            var verb = (_device.Gateway, device.Gateway) switch
            {
                (null, not null) => ModelChangeVerbs.ReferenceAdded,
                (not null, null) => ModelChangeVerbs.ReferenceDeleted,
                _ => ModelChangeVerbs.None,
            };
            _device = device;
            if (verb != ModelChangeVerbs.None)
                _version++;
            return verb;
        }
    }

    /// <summary>Held while watchers are told, so that they hear of values in their order. Nothing else is taken under it.</summary>
    public Lock Telling { get; } = new();

    /// <summary>Who watches the value in a slot.</summary>
    public ReadOnlySpan<IValueWatcher> WatchersOf(int slot) => _watchers is { } watchers && slot < watchers.Length ? watchers[slot] : null;

    /// <summary>Whether anybody watches any value.</summary>
    public bool IsWatched => _watchers is not null;

    /// <summary>Adds somebody who watches the value in a slot.</summary>
    public void Watch(int slot, IValueWatcher watcher)
    {
        lock (_lock)
            SetWatchers(slot, [.. WatchersOf(slot), watcher]);
    }

    /// <summary>Takes somebody away who watches the value in a slot.</summary>
    public void Unwatch(int slot, IValueWatcher watcher)
    {
        lock (_lock)
        {
            var left = WatchersOf(slot).ToArray().Where(other => !ReferenceEquals(other, watcher)).ToArray();
            SetWatchers(slot, left.Length == 0 ? null : left);
        }
    }

    /// <summary>The newest value in a slot that the device has.</summary>
    public LatestValue Read(int slot)
    {
        var spin = default(SpinWait);
        while (true)
        {
            var sequence = Volatile.Read(ref _sequence);
            if ((sequence & 1) == 0)
            {
                var value = _values[slot];
                Volatile.ReadBarrier();
                if (sequence == _sequence)
                    return value;
            }

            spin.SpinOnce();
        }
    }

    /// <summary>Takes over the values of a committed frame that are not older than those that are here.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="names">The tenant's names.</param>
    /// <param name="changed">Is given the slots whose values are new now.</param>
    /// <returns>The metrics that are new or have another type; <see langword="null"/> if there are none.</returns>
    public List<SlotChange>? Apply(in TelemetryFrame frame, MetricNames names, List<int> changed)
    {
        lock (_lock)
        {
            List<SlotChange>? changes = null;
            var slots = Shape.FindSlots(frame.Layout, names);
            if (slots is null)
            {
                Extend(names, frame.Layout.Metrics, ref changes);
                slots = Shape.FindSlots(frame.Layout, names)!;
            }

            var values = _values;
            Volatile.Write(ref _sequence, _sequence + 1);
            Volatile.WriteBarrier();
            for (var i = 0; i < slots.Length; i++)
            {
                var slot = slots[i];
                var ticks = values.TicksOf(slot);
                if (ticks > frame.TimestampTicks)
                    continue;
                var kind = frame.Kinds[i];
                if (ticks != 0 && values[slot].Kind != kind)
                    (changes ??= []).Add(new SlotChange(slot, ModelChangeVerbs.DataTypeChanged));
                var isText = kind is TelemetryValueKind.Text or TelemetryValueKind.Json;
                values[slot] = new LatestValue(
                    kind,
                    frame.Qualities[i],
                    isText ? 0 : frame.Bits[i],
                    isText ? frame.GetUtf8(i).ToArray() : null,
                    frame.TimestampTicks
                );
                changed.Add(slot);
            }

            Volatile.Write(ref _sequence, _sequence + 1);
            if (changes is not null)
                _version++;
            return changes;
        }
    }

    /// <summary>Takes over what the store has as the newest points, as far as it is newer.</summary>
    /// <inheritdoc cref="Apply"/>
    public List<SlotChange>? Reconcile(IReadOnlyList<TelemetryPoint> points, MetricNames names, List<int> changed)
    {
        lock (_lock)
        {
            List<SlotChange>? changes = null;
            for (var i = 0; i < points.Count; i++)
            {
                if (Shape.FindSlot(points[i].Metric, i) >= 0)
                    continue;
                Extend(names, [.. points.Select(all => all.Metric)], ref changes);
                break;
            }

            var values = _values;
            Volatile.Write(ref _sequence, _sequence + 1);
            Volatile.WriteBarrier();
            for (var i = 0; i < points.Count; i++)
            {
                var slot = values.Shape.FindSlot(points[i].Metric, i);
                var ticks = values.TicksOf(slot);
                var stored = ToLatest(points[i]);
                if (ticks > stored.Ticks || (ticks == stored.Ticks && IsSame(values[slot], stored)))
                    continue;
                if (ticks != 0 && values[slot].Kind != stored.Kind)
                    (changes ??= []).Add(new SlotChange(slot, ModelChangeVerbs.DataTypeChanged));
                values[slot] = stored;
                changed.Add(slot);
            }

            Volatile.Write(ref _sequence, _sequence + 1);
            if (changes is not null)
                _version++;
            return changes;
        }
    }

    // Readers go through what they have found: nothing in it is changed.
    private void SetWatchers(int slot, IValueWatcher[]? watchers)
    {
        var all = new IValueWatcher[]?[Math.Max(slot + 1, _watchers?.Length ?? 0)];
        _watchers?.CopyTo(all, 0);
        all[slot] = watchers;
        _watchers = Array.TrueForAll(all, static some => some is null) ? null : all;
    }

    /// <summary>Gives the device places for metrics that it may not have yet.</summary>
    private void Extend(MetricNames names, IReadOnlyList<string> metrics, ref List<SlotChange>? changes)
    {
        var current = ReferenceEquals(_values, LatestValues.None) ? new LatestValues(names.Root) : _values;
        _values = current.Grow(names.Extend(current.Shape, metrics));
        for (var slot = current.Shape.Count; slot < _values.Shape.Count; slot++)
            (changes ??= []).Add(new SlotChange(slot, ModelChangeVerbs.NodeAdded));
    }

    private static bool IsSame(in LatestValue one, in LatestValue other) =>
        one.Kind == other.Kind && one.Quality == other.Quality && one.Bits == other.Bits && one.Text.AsSpan().SequenceEqual(other.Text);

    private static LatestValue ToLatest(in TelemetryPoint point)
    {
        var value = point.Value;
        var bits = value.Kind switch
        {
            TelemetryValueKind.Double => BitConverter.DoubleToInt64Bits(value.AsDouble()),
            TelemetryValueKind.Long => value.AsLong(),
            TelemetryValueKind.Bool => value.AsBool() ? 1 : 0,
            _ => 0,
        };
        var text = value.Kind is TelemetryValueKind.Text or TelemetryValueKind.Json
            ? System.Text.Encoding.UTF8.GetBytes(value.AsText())
            : null;
        return new LatestValue(value.Kind, point.Quality, bits, text, point.Timestamp.Ticks);
    }
}
