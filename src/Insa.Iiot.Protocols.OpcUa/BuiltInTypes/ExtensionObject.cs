using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>A structure with the id of its encoding: one of ours, or the bytes of any other, which pass through as they are.</summary>
internal readonly struct ExtensionObject : IEquatable<ExtensionObject>
{
    public ExtensionObject(NodeId typeId, ExtensionObjectBody encoding, byte[]? body)
    {
        TypeId = typeId;
        Encoding = encoding;
        Bytes = body;
    }

    public ExtensionObject(IUaEncodable structure)
    {
        TypeId = NodeId.Of(structure.EncodingId);
        Encoding = ExtensionObjectBody.Binary;
        Structure = structure;
    }

    /// <summary>The encoding's id (or, for some senders, the data type's).</summary>
    public NodeId TypeId { get; }

    public ExtensionObjectBody Encoding { get; }

    public byte[]? Bytes { get; }

    public IUaEncodable? Structure { get; }

    public bool IsNull => Encoding == ExtensionObjectBody.None && TypeId.IsNull;

    /// <summary>The structure, if it is this one and well formed.</summary>
    public bool TryGet<T>(EncodingLimits limits, out T value)
        where T : class, IUaStructure<T>
    {
        value = (Structure as T)!;
        if (value is not null)
            return true;
        if (Encoding != ExtensionObjectBody.Binary || Bytes is null || !TypeId.Is(T.BinaryEncodingId))
            return false;

        var reader = new UaReader(Bytes, limits);
        value = T.Decode(ref reader);
        return reader.Status.IsGood;
    }

    public bool Equals(ExtensionObject other)
    {
        if (TypeId != other.TypeId || Encoding != other.Encoding)
            return false;
        if (Structure is null && other.Structure is null)
            return Bytes is null ? other.Bytes is null : other.Bytes is not null && Bytes.AsSpan().SequenceEqual(other.Bytes);
        return ReferenceEquals(Structure, other.Structure) || ToBytes().AsSpan().SequenceEqual(other.ToBytes());
    }

    public override bool Equals(object? obj) => obj is ExtensionObject other && Equals(other);

    public override int GetHashCode() => TypeId.GetHashCode();

    public byte[] ToBytes()
    {
        if (Structure is null)
            return Bytes ?? [];
        using var output = new PooledOutput();
        var writer = new UaWriter(output);
        Structure.Encode(ref writer);
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }
}
