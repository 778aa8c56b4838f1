namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>Nodes and their forward references.</summary>
internal sealed class NodeGraph
{
    public Dictionary<NodeKey, SourceNode> Nodes { get; } = [];

    public HashSet<NodeReference> References { get; } = [];

    public Dictionary<string, NodeKey> Aliases { get; } = [];

    /// <summary>The supertype of a type, if it has one.</summary>
    public NodeKey? SupertypeOf(NodeKey type)
    {
        foreach (var reference in References)
        {
            if (reference.Type == StandardIds.HasSubtype && reference.Target == type)
                return reference.Source;
        }

        return null;
    }
}
