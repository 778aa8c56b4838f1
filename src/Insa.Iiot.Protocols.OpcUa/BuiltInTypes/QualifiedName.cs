namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>A name within a namespace (Part 3 §8.3).</summary>
internal readonly record struct QualifiedName(ushort NamespaceIndex, string? Name);
