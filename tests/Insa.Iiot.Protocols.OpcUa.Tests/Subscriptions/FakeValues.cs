using System.Collections.Immutable;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>A few variables that change when a test says so.</summary>
internal sealed class FakeValues(TimeProvider time) : IMonitoredValues
{
    private readonly Dictionary<string, Node> _nodes = [];
    private int _holds;

    /// <summary>How many subscriptions need the values.</summary>
    public int Holds => Volatile.Read(ref _holds);

    /// <summary>What the users of sessions may not see.</summary>
    public HashSet<(UaSession Session, string Node)> Denied { get; } = [];

    /// <summary>How many items watch anything.</summary>
    public int Watchers => _nodes.Values.Sum(node => node.Watchers.Length);

    public static NodeId IdOf(string name) => NodeId.OfString(3, name);

    public void Add(string name, Variant value, double rangeWidth = double.NaN) =>
        _nodes.Add(
            name,
            new Node
            {
                Name = name,
                RangeWidth = rangeWidth,
                Value = Now(value, default),
            }
        );

    /// <summary>Changes a variable, now.</summary>
    public void Set(string name, Variant value, StatusCode status = default) => Set(name, Now(value, status));

    public void Set(string name, DataValue value)
    {
        var node = _nodes[name];
        node.Value = value;
        foreach (var watcher in node.Watchers)
            watcher.OnValue(value);
    }

    public StatusCode Find(UaSession session, NodeIdView node, uint attributeId, out MonitoredAttribute attribute)
    {
        attribute = default;
        if (node.Type != NodeIdType.String || !_nodes.TryGetValue(System.Text.Encoding.UTF8.GetString(node.Identifier), out var found))
            return StatusCodes.BadNodeIdUnknown;
        attribute = new MonitoredAttribute(found, 0, attributeId);
        return attributeId is 1 or 4 or 12 or 13 ? StatusCodes.Good : StatusCodes.BadAttributeIdInvalid;
    }

    public bool MayRead(UaSession session, in MonitoredAttribute attribute) => !Denied.Contains((session, ((Node)attribute.Node!).Name));

    public IDisposable Hold(UaSession session)
    {
        Interlocked.Increment(ref _holds);
        return new Holder(this);
    }

    public MonitoredKind KindOf(in MonitoredAttribute attribute)
    {
        var node = (Node)attribute.Node!;
        return new MonitoredKind(node.Value.Value.IsNumeric, node.RangeWidth);
    }

    public DataValue Read(in MonitoredAttribute attribute) =>
        attribute.IsValue ? ((Node)attribute.Node!).Value : new DataValue(Variant.Of("a name"));

    public void Watch(in MonitoredAttribute attribute, IValueWatcher watcher) => ((Node)attribute.Node!).Add(watcher);

    public void Unwatch(in MonitoredAttribute attribute, IValueWatcher watcher) => Assert.True(((Node)attribute.Node!).Remove(watcher));

    private DataValue Now(Variant value, StatusCode status) => new(value, status, time.GetUaTicks(), time.GetUaTicks());

    private sealed class Holder(FakeValues values) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref values._holds);
    }

    private sealed class Node
    {
        private readonly Lock _gate = new();
        private DataValue _value;

        public DataValue Value
        {
            get
            {
                lock (_gate)
                    return _value;
            }
            set
            {
                lock (_gate)
                    _value = value;
            }
        }

        public required string Name { get; init; }

        public double RangeWidth { get; init; }

        public ImmutableArray<IValueWatcher> Watchers { get; private set; } = [];

        public void Add(IValueWatcher watcher)
        {
            lock (_gate)
                Watchers = Watchers.Add(watcher);
        }

        public bool Remove(IValueWatcher watcher)
        {
            lock (_gate)
            {
                var before = Watchers.Length;
                Watchers = Watchers.Remove(watcher);
                return Watchers.Length < before;
            }
        }
    }
}
