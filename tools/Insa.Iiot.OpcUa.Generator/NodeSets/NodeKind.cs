namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>The node classes, with their numbers (OPC 10000-3 §8.29).</summary>
internal enum NodeKind
{
    Object = 1,
    Variable = 2,
    Method = 4,
    ObjectType = 8,
    VariableType = 16,
    ReferenceType = 32,
    DataType = 64,
    View = 128,
}
