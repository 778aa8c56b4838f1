namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>A node id still lying in the message it came with. The identifier of a string, guid or opaque id is its wire bytes.</summary>
internal readonly ref struct NodeIdView : IEquatable<NodeIdView>
{
    public NodeIdView(ushort namespaceIndex, uint numeric)
    {
        NamespaceIndex = namespaceIndex;
        Numeric = numeric;
    }

    public NodeIdView(ushort namespaceIndex, NodeIdType type, ReadOnlySpan<byte> identifier)
    {
        NamespaceIndex = namespaceIndex;
        Type = type;
        Identifier = identifier;
    }

    public ushort NamespaceIndex { get; }

    public NodeIdType Type { get; }

    public uint Numeric { get; }

    public ReadOnlySpan<byte> Identifier { get; }

    /// <summary>Any of the null ids of Part 3 §8.2.4: zero or empty, in namespace 0.</summary>
    public bool IsNull =>
        NamespaceIndex == 0
        && Type switch
        {
            NodeIdType.Numeric => Numeric == 0,
            NodeIdType.Guid => !Identifier.ContainsAnyExcept((byte)0),
            _ => Identifier.IsEmpty,
        };

    /// <summary>Whether this is the numeric id in namespace 0.</summary>
    public bool Is(uint numeric) => Type == NodeIdType.Numeric && Numeric == numeric && NamespaceIndex == 0;

    public bool Equals(NodeIdView other) =>
        NamespaceIndex == other.NamespaceIndex
        && Type == other.Type
        && Numeric == other.Numeric
        && Identifier.SequenceEqual(other.Identifier);

    public NodeId ToNodeId() =>
        Type == NodeIdType.Numeric ? NodeId.Of(Numeric, NamespaceIndex) : new NodeId(NamespaceIndex, Type, Identifier.ToArray());

    public override bool Equals(object? obj) => false;

    public override int GetHashCode()
    {
        if (Type == NodeIdType.Numeric)
            return HashCode.Combine(NamespaceIndex, Numeric);

        var hash = new HashCode();
        hash.Add(((int)Type << 16) | NamespaceIndex);
        hash.AddBytes(Identifier);
        return hash.ToHashCode();
    }

    public override string ToString() => ToNodeId().ToString();
}
