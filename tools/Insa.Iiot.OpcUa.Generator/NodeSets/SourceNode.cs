using System.Xml.Linq;

namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>A node as its XML says it.</summary>
internal sealed record SourceNode(NodeKey Key, NodeKind Class, byte BrowseNamespace, string BrowseName, string DisplayName)
{
    /// <summary>Whether it is neither a draft nor on its way out.</summary>
    public bool IsReleased { get; init; } = true;

    public bool IsAbstract { get; init; }

    public bool IsSymmetric { get; init; }

    public bool IsNotifier { get; init; }

    public string? InverseName { get; init; }

    public NodeKey DataType { get; init; }

    public sbyte ValueRank { get; init; } = -1;

    public uint[]? ArrayDimensions { get; init; }

    public byte AccessLevel { get; init; } = 1;

    public double? MinimumSamplingInterval { get; init; }

    public XElement? Value { get; init; }

    public XElement? Definition { get; init; }
}
