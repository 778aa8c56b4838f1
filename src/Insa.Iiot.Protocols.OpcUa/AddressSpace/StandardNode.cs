using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>A node of the standard or of our types. Texts are numbers of strings in the table, other nodes are indexes.</summary>
internal readonly record struct StandardNode
{
    public required uint Id { get; init; }

    /// <summary>0, or 2 for our types.</summary>
    public required byte Namespace { get; init; }

    public required NodeClass Class { get; init; }

    public required StandardNodeFlags Flags { get; init; }

    public required byte BrowseNamespace { get; init; }

    public required ushort BrowseName { get; init; }

    public required ushort DisplayName { get; init; }

    /// <summary>Of a reference type.</summary>
    public ushort InverseName { get; init; }

    /// <summary>Of a variable or a variable type.</summary>
    public ushort DataType { get; init; }

    public sbyte ValueRank { get; init; }

    public AccessLevels AccessLevel { get; init; }

    /// <summary>Where the dimensions lie in the table, a byte for their number first.</summary>
    public int ArrayDimensions { get; init; }

    /// <summary>Where the value, or a data type's definition, lies in the table as an encoded variant.</summary>
    public int Value { get; init; }

    public ushort ValueLength { get; init; }

    /// <summary>In milliseconds; -1 if the node does not say.</summary>
    public double MinimumSamplingInterval { get; init; }

    public bool IsAbstract => (Flags & StandardNodeFlags.IsAbstract) != StandardNodeFlags.None;

    public bool IsSymmetric => (Flags & StandardNodeFlags.IsSymmetric) != StandardNodeFlags.None;
}
