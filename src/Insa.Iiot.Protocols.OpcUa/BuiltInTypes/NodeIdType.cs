namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>The kinds of identifier (Part 3 §8.2.3).</summary>
internal enum NodeIdType : byte
{
    Numeric,
    String,
    Guid,
    Opaque,
}
