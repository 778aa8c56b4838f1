namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>Compares node ids so that a dictionary of them can be asked for an id that lies in a message.</summary>
internal sealed class NodeIdComparer : IEqualityComparer<NodeId>, IAlternateEqualityComparer<NodeIdView, NodeId>
{
    public static NodeIdComparer Instance { get; } = new();

    private NodeIdComparer() { }

    public bool Equals(NodeId x, NodeId y) => x.Equals(y);

    public int GetHashCode(NodeId obj) => obj.GetHashCode();

    public NodeId Create(NodeIdView alternate) => alternate.ToNodeId();

    public bool Equals(NodeIdView alternate, NodeId other) => alternate.Equals(other.AsView());

    public int GetHashCode(NodeIdView alternate) => alternate.GetHashCode();
}
