namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>
/// The metrics that a device has, in the order in which they were first seen: a metric keeps its slot for ever. Devices that had the same ones in the same
/// order share one shape. Immutable to its users, and thread-safe.
/// </summary>
internal sealed class MetricShape
{
    private const int NamesToScan = 8;

    private readonly MetricShape? _parent;
    private readonly MetricName? _last;
    private MetricName[]? _names;
    private Dictionary<byte[], int>? _slots;
    private Dictionary<MetricName, MetricShape>? _next;
    private SlotsOfLayout? _recent;

    private MetricShape(MetricShape? parent, MetricName? last, int count) => (_parent, _last, Count) = (parent, last, count);

    /// <summary>How many metrics there are.</summary>
    public int Count { get; }

    /// <summary>The metrics by slot.</summary>
    public ReadOnlySpan<MetricName> Names => _names ??= ListNames();

    /// <summary>The shape without any metric, from which a tenant's others come.</summary>
    public static MetricShape MakeRoot() => new(null, null, 0);

    /// <returns>-1 if there is none of that name.</returns>
    public int FindSlot(ReadOnlySpan<byte> name)
    {
        if (Count > NamesToScan)
            return (_slots ??= IndexNames()).GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var slot) ? slot : -1;
        var names = Names;
        for (var i = 0; i < names.Length; i++)
        {
            if (names[i].Utf8.SequenceEqual(name))
                return i;
        }

        return -1;
    }

    /// <summary>As <see cref="FindSlot(ReadOnlySpan{byte})"/>, with the slot where the metric probably is: most devices have theirs in the order in which stores give them.</summary>
    public int FindSlot(string name, int likely)
    {
        var names = Names;
        if (likely < names.Length && names[likely].Text == name)
            return likely;
        var utf8 = System.Text.Encoding.UTF8.GetBytes(name);
        return FindSlot(utf8);
    }

    /// <summary>The slots of a layout's metrics, from a memory of the last layout asked for.</summary>
    /// <returns><see langword="null"/> if the layout has a metric that the shape lacks.</returns>
    public int[]? FindSlots(TelemetryLayout layout, MetricNames names)
    {
        if (Volatile.Read(ref _recent) is { } recent && ReferenceEquals(recent.Layout, layout))
            return recent.Slots;
        var slots = new int[layout.Count];
        for (var i = 0; i < slots.Length; i++)
        {
            slots[i] = FindSlot(names.Get(layout.Metrics[i]).Utf8);
            if (slots[i] < 0)
                return null;
        }

        Volatile.Write(ref _recent, new SlotsOfLayout(layout, slots));
        return slots;
    }

    /// <summary>The shape with one metric more, which it must not have yet.</summary>
    /// <param name="name">The metric.</param>
    /// <param name="mayShare">Whether the new shape may be kept for other devices.</param>
    public MetricShape With(MetricName name, bool mayShare)
    {
        if (!mayShare)
            return new MetricShape(this, name, Count + 1);
        _next ??= [];
        if (!_next.TryGetValue(name, out var shape))
        {
            shape = new MetricShape(this, name, Count + 1);
            _next.Add(name, shape);
        }

        return shape;
    }

    /// <summary>Whether <see cref="With"/> has made that shape before.</summary>
    public bool IsKnown(MetricName name) => _next?.ContainsKey(name) == true;

    private MetricName[] ListNames()
    {
        var names = new MetricName[Count];
        for (var shape = this; shape._last is not null; shape = shape._parent!)
            names[shape.Count - 1] = shape._last;
        return names;
    }

    private Dictionary<byte[], int> IndexNames()
    {
        var slots = new Dictionary<byte[], int>(Count, Utf8BytesComparer.Instance);
        foreach (var name in Names)
            slots.Add(name.Utf8.ToArray(), slots.Count);
        return slots;
    }

    private sealed record SlotsOfLayout(TelemetryLayout Layout, int[] Slots);
}
