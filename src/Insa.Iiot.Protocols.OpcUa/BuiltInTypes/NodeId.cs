using System.Buffers.Text;
using System.Globalization;

namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>Names a node (Part 3 §8.2). Text is kept as the UTF-8 it travels in.</summary>
internal readonly struct NodeId : IEquatable<NodeId>
{
    private readonly byte[]? _identifier;

    // The identifier is the wire bytes; this id owns them now.
    internal NodeId(ushort namespaceIndex, NodeIdType type, byte[] identifier)
    {
        NamespaceIndex = namespaceIndex;
        Type = type;
        _identifier = identifier;
    }

    private NodeId(ushort namespaceIndex, uint numeric)
    {
        NamespaceIndex = namespaceIndex;
        Numeric = numeric;
    }

    public ushort NamespaceIndex { get; }

    public NodeIdType Type { get; }

    public uint Numeric { get; }

    /// <summary>The bytes of a string, guid or opaque identifier.</summary>
    public ReadOnlySpan<byte> Identifier => _identifier;

    public bool IsNull => AsView().IsNull;

    public static NodeId Of(uint numeric, ushort ns = 0) => new(ns, numeric);

    public static NodeId OfString(ushort ns, string text) => new(ns, NodeIdType.String, System.Text.Encoding.UTF8.GetBytes(text));

    public static NodeId OfString(ushort ns, ReadOnlySpan<byte> utf8) => new(ns, NodeIdType.String, utf8.ToArray());

    public static NodeId OfGuid(ushort ns, Guid guid) => new(ns, NodeIdType.Guid, guid.ToByteArray());

    public static NodeId OfOpaque(ushort ns, ReadOnlySpan<byte> bytes) => new(ns, NodeIdType.Opaque, bytes.ToArray());

    public NodeIdView AsView() =>
        Type == NodeIdType.Numeric ? new NodeIdView(NamespaceIndex, Numeric) : new NodeIdView(NamespaceIndex, Type, _identifier);

    /// <summary>Whether this is the numeric id in namespace 0.</summary>
    public bool Is(uint numeric) => Type == NodeIdType.Numeric && Numeric == numeric && NamespaceIndex == 0;

    public bool Equals(NodeId other) => AsView().Equals(other.AsView());

    public override bool Equals(object? obj) => obj is NodeId other && Equals(other);

    public override int GetHashCode() => AsView().GetHashCode();

    public static bool operator ==(NodeId left, NodeId right) => left.Equals(right);

    public static bool operator !=(NodeId left, NodeId right) => !left.Equals(right);

    /// <summary>Reads the text form of Part 6 §5.3.1.10: <c>ns=2;s=name</c>, the namespace left out for 0.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out NodeId id)
    {
        id = default;
        ushort ns = 0;
        if (text.StartsWith("ns="))
        {
            var end = text.IndexOf(';');
            if (end < 0 || !ushort.TryParse(text[3..end], NumberStyles.None, CultureInfo.InvariantCulture, out ns))
                return false;
            text = text[(end + 1)..];
        }

        if (text.Length < 2 || text[1] != '=')
            return false;
        var identifier = text[2..];
        switch (text[0])
        {
            case 'i' when uint.TryParse(identifier, NumberStyles.None, CultureInfo.InvariantCulture, out var numeric):
                id = Of(numeric, ns);
                return true;
            case 's':
                id = OfString(ns, identifier.ToString());
                return true;
            case 'g' when Guid.TryParse(identifier, out var guid):
                id = OfGuid(ns, guid);
                return true;
            case 'b' when Base64.IsValid(identifier):
                id = new NodeId(ns, NodeIdType.Opaque, Convert.FromBase64String(identifier.ToString()));
                return true;
            default:
                return false;
        }
    }

    public override string ToString()
    {
        var prefix = NamespaceIndex == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"ns={NamespaceIndex};");
        return prefix
            + Type switch
            {
                NodeIdType.Numeric => "i=" + Numeric.ToString(CultureInfo.InvariantCulture),
                NodeIdType.String => "s=" + System.Text.Encoding.UTF8.GetString(Identifier),
                NodeIdType.Guid => "g=" + new Guid(Identifier),
                _ => "b=" + Convert.ToBase64String(Identifier),
            };
    }
}
