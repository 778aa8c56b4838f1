namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>A reference of a node.</summary>
/// <param name="Type">The index of its type in <see cref="StandardNodes"/>.</param>
/// <param name="Target">The other node.</param>
/// <param name="IsForward">Whether the node that was asked is the source.</param>
internal readonly record struct NodeReference(int Type, NodeHandle Target, bool IsForward);
