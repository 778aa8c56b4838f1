namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>A numeric node id, with the namespace index that it has in the server: 0 for the standard's nodes, 2 for our own types.</summary>
internal readonly record struct NodeKey(byte Namespace, uint Id) : IComparable<NodeKey>
{
    public int CompareTo(NodeKey other) => (Namespace, Id).CompareTo((other.Namespace, other.Id));
}
