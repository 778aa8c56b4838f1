namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>A node id that may name its namespace by URI and its server by an index (Part 4 §7.16).</summary>
internal readonly record struct ExpandedNodeId(NodeId NodeId, string? NamespaceUri = null, uint ServerIndex = 0)
{
    /// <summary>Whether it names a node of this server by an index of its namespace array.</summary>
    public bool IsLocal => NamespaceUri is null && ServerIndex == 0;

    public static implicit operator ExpandedNodeId(NodeId id) => new(id);
}
