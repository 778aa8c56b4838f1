namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>A forward reference.</summary>
internal readonly record struct NodeReference(NodeKey Source, NodeKey Type, NodeKey Target);
