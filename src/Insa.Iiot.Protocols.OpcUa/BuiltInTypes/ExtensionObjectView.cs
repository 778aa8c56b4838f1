namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>An extension object still lying in the message it came with.</summary>
internal readonly ref struct ExtensionObjectView(NodeIdView typeId, ExtensionObjectBody encoding, ReadOnlySpan<byte> body)
{
    public NodeIdView TypeId { get; } = typeId;

    public ExtensionObjectBody Encoding { get; } = encoding;

    public ReadOnlySpan<byte> Body { get; } = body;

    /// <summary>No structure at all: what "no filter" or "anonymous" looks like.</summary>
    public bool IsNull => Encoding == ExtensionObjectBody.None;

    /// <summary>Whether the body is the binary encoding with this id of namespace 0.</summary>
    public bool Is(uint binaryEncodingId) => Encoding == ExtensionObjectBody.Binary && TypeId.Is(binaryEncodingId);

    public ExtensionObject ToExtensionObject() =>
        new(TypeId.ToNodeId(), Encoding, Encoding == ExtensionObjectBody.None ? null : Body.ToArray());
}
