using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>The types of events that there are, and the fields they declare. Immutable.</summary>
internal sealed class EventTypes
{
    private static readonly Lazy<EventTypes> _shared = new(() => new EventTypes(StandardNodes.Shared));

    private readonly Dictionary<string, List<(int Owner, int Node)>> _fields = new(StringComparer.Ordinal);
    private readonly int _hasComponent;
    private readonly int _hasProperty;

    private EventTypes(StandardNodes nodes)
    {
        Nodes = nodes;
        Base = nodes.IndexOf(NodeIds.BaseEventType);
        Condition = nodes.IndexOf(NodeIds.ConditionType);
        _hasComponent = nodes.IndexOf(NodeIds.HasComponent);
        _hasProperty = nodes.IndexOf(NodeIds.HasProperty);
        for (var index = 0; index < nodes.Count; index++)
        {
            if (IsEventType(index))
                AddFields(index, index, "");
        }
    }

    public static EventTypes Shared => _shared.Value;

    public StandardNodes Nodes { get; }

    /// <summary>The index of BaseEventType.</summary>
    public int Base { get; }

    /// <summary>The index of ConditionType.</summary>
    public int Condition { get; }

    /// <summary>Finds a type of events.</summary>
    public bool TryFind(NodeId id, out int type)
    {
        type = -1;
        return id.Type == NodeIdType.Numeric && Nodes.TryFind(id.NamespaceIndex, id.Numeric, out type) && IsEventType(type);
    }

    /// <summary>Finds the declaration of a field that an event of a type, or of a subtype of it, may have. Of BaseEventType it is any event.</summary>
    public bool TryFindField(int type, string path, out int node)
    {
        node = -1;
        if (!_fields.TryGetValue(path, out var declared))
            return false;
        foreach (var (owner, found) in declared)
        {
            if (!AreRelated(owner, type))
                continue;
            node = found;
            return true;
        }

        return false;
    }

    /// <summary>Whether one of the types derives from the other.</summary>
    public bool AreRelated(int one, int other) => Nodes.IsTypeOf(one, other) || Nodes.IsTypeOf(other, one);

    private bool IsEventType(int index) => Nodes[index].Class == NodeClass.ObjectType && Nodes.IsTypeOf(index, Base);

    private void AddFields(int owner, int parent, string prefix)
    {
        foreach (var reference in Nodes.ReferencesOf(parent))
        {
            if (!reference.IsForward || (reference.Type != _hasComponent && reference.Type != _hasProperty))
                continue;
            if (
                Nodes[reference.Target].Class is not (NodeClass.Variable or NodeClass.Object)
                || Nodes[reference.Target].BrowseNamespace != 0
            )
                continue;
            var path = prefix + System.Text.Encoding.UTF8.GetString(Nodes.BrowseNameOf(reference.Target));
            if (!_fields.TryGetValue(path, out var declared))
                _fields.Add(path, declared = []);
            declared.Add((owner, reference.Target));
            AddFields(owner, reference.Target, path + "/");
        }
    }
}
