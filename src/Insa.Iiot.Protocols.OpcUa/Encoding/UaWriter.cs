using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Encoding;

/// <summary>
/// Writes the binary encoding of Part 6 §5.2 into an output. When the output takes no more, the writer has failed: it writes nothing
/// from then on. <see cref="Flush"/> comes last, and before anybody else writes to the output.
/// </summary>
internal ref partial struct UaWriter(IMessageOutput output)
{
    private readonly IMessageOutput _output = output;
    private Span<byte> _span;
    private int _used;

    /// <summary>Good, or BadResponseTooLarge when the output refused.</summary>
    public StatusCode Status { get; private set; }

    public void Boolean(bool value) => Byte(value ? (byte)1 : (byte)0);

    public void SByte(sbyte value) => Byte(unchecked((byte)value));

    public void Byte(byte value)
    {
        if (Room(1))
            _span[_used++] = value;
    }

    public void Int16(short value) => UInt16(unchecked((ushort)value));

    public void UInt16(ushort value)
    {
        if (!Room(sizeof(ushort)))
            return;
        BinaryPrimitives.WriteUInt16LittleEndian(_span[_used..], value);
        _used += sizeof(ushort);
    }

    public void Int32(int value) => UInt32(unchecked((uint)value));

    public void UInt32(uint value)
    {
        if (!Room(sizeof(uint)))
            return;
        BinaryPrimitives.WriteUInt32LittleEndian(_span[_used..], value);
        _used += sizeof(uint);
    }

    public void Int64(long value) => UInt64(unchecked((ulong)value));

    public void UInt64(ulong value)
    {
        if (!Room(sizeof(ulong)))
            return;
        BinaryPrimitives.WriteUInt64LittleEndian(_span[_used..], value);
        _used += sizeof(ulong);
    }

    public void Float(float value) => UInt32(BitConverter.SingleToUInt32Bits(value));

    public void Double(double value) => UInt64(BitConverter.DoubleToUInt64Bits(value));

    public void DateTime(long uaTicks) => Int64(UaDateTime.Clamp(uaTicks));

    public void Guid(Guid value)
    {
        if (!Room(16))
            return;
        value.TryWriteBytes(_span[_used..]);
        _used += 16;
    }

    public void StatusCode(StatusCode value) => UInt32(value.Value);

    public void String(string? value)
    {
        if (value is null)
        {
            Int32(-1);
            return;
        }

        var length = System.Text.Encoding.UTF8.GetByteCount(value);
        Int32(length);
        if (length <= _span.Length - _used)
            _used += System.Text.Encoding.UTF8.GetBytes(value, _span[_used..]);
        else if (Status.IsGood)
            LongText(value);
    }

    /// <summary>A string that is UTF-8 already.</summary>
    public void Utf8String(scoped ReadOnlySpan<byte> utf8)
    {
        Int32(utf8.Length);
        Bytes(utf8);
    }

    public void NullString() => Int32(-1);

    public void XmlElement(string? value) => String(value);

    public void ByteString(byte[]? value)
    {
        if (value is null)
            Int32(-1);
        else
            ByteString(value.AsSpan());
    }

    public void ByteString(scoped ReadOnlySpan<byte> value)
    {
        Int32(value.Length);
        Bytes(value);
    }

    public void NodeId(NodeId id) => NodeId(id.AsView());

    public void NodeId(scoped NodeIdView id) => NodeIdOf(id, 0);

    /// <summary>A numeric id of namespace 0.</summary>
    public void NodeId(uint numeric) => NodeId(new NodeIdView(0, numeric));

    /// <summary>An expanded id of this server by namespace index: it is encoded as the plain one.</summary>
    public void ExpandedNodeId(scoped NodeIdView id) => NodeIdOf(id, 0);

    public void ExpandedNodeId(ExpandedNodeId id)
    {
        const byte uriFollows = 0x80;
        const byte serverIndexFollows = 0x40;
        var flags = id.NamespaceUri is null ? 0 : uriFollows;
        flags |= id.ServerIndex == 0 ? 0 : serverIndexFollows;
        NodeIdOf(id.NodeId.AsView(), (byte)flags);
        if (id.NamespaceUri is not null)
            String(id.NamespaceUri);
        if (id.ServerIndex != 0)
            UInt32(id.ServerIndex);
    }

    public void QualifiedName(QualifiedName name)
    {
        UInt16(name.NamespaceIndex);
        String(name.Name);
    }

    public void QualifiedName(ushort namespaceIndex, scoped ReadOnlySpan<byte> utf8)
    {
        UInt16(namespaceIndex);
        Utf8String(utf8);
    }

    public void LocalizedText(LocalizedText text)
    {
        var fields = text.Locale is null ? 0 : 1;
        fields |= text.Text is null ? 0 : 2;
        Byte((byte)fields);
        if (text.Locale is not null)
            String(text.Locale);
        if (text.Text is not null)
            String(text.Text);
    }

    /// <summary>Text without a locale.</summary>
    public void LocalizedText(scoped ReadOnlySpan<byte> utf8)
    {
        Byte(2);
        Utf8String(utf8);
    }

    public void ExtensionObject(ExtensionObject value)
    {
        if (value.Structure is not null)
        {
            ExtensionObject(value.Structure);
            return;
        }

        NodeId(value.TypeId);
        Byte((byte)value.Encoding);
        if (value.Encoding != ExtensionObjectBody.None)
            ByteString(value.Bytes);
    }

    /// <summary>A structure in its binary encoding, or no structure.</summary>
    public void ExtensionObject(IUaEncodable? structure)
    {
        if (structure is null)
        {
            NodeId(0);
            Byte((byte)ExtensionObjectBody.None);
            return;
        }

        // The length comes before the body and chunks that are full may be gone already, so the body is made first.
        using var body = new PooledOutput();
        var writer = new UaWriter(body);
        structure.Encode(ref writer);
        writer.Flush();
        if (!writer.Status.IsGood)
            Fail();
        ExtensionObject(structure.EncodingId, body.WrittenSpan);
    }

    /// <summary>A structure that is encoded already.</summary>
    public void ExtensionObject(uint encodingId, scoped ReadOnlySpan<byte> body)
    {
        NodeId(encodingId);
        Byte((byte)ExtensionObjectBody.Binary);
        ByteString(body);
    }

    public void NullExtensionObject() => ExtensionObject((IUaEncodable?)null);

    public void DiagnosticInfo(DiagnosticInfo value) => Bytes(value.Encoded);

    /// <summary>Diagnostics without content, which is all we send.</summary>
    public void NullDiagnosticInfo() => Byte(0);

    /// <summary>The length of an array whose elements follow.</summary>
    public void ArrayLength(int count) => Int32(count);

    public void NullArray() => Int32(-1);

    public void Array<T, TElement>(T[]? elements)
        where TElement : IElement<T>
    {
        if (elements is null)
        {
            NullArray();
            return;
        }

        Int32(elements.Length);
        foreach (var element in elements)
            TElement.Write(ref this, element);
    }

    public void StructureArray<T>(T[]? elements)
        where T : IUaStructure<T> => Array<T, Elements.Structure<T>>(elements);

    /// <summary>Bytes that are encoded already.</summary>
    public void Bytes(scoped ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && Room(1))
        {
            var piece = bytes[..Math.Min(bytes.Length, _span.Length - _used)];
            piece.CopyTo(_span[_used..]);
            _used += piece.Length;
            bytes = bytes[piece.Length..];
        }
    }

    /// <summary>Hands what is written to the output.</summary>
    public void Flush()
    {
        if (_used > 0)
            _output.Advance(_used);
        _span = default;
        _used = 0;
    }

    private void Fail()
    {
        Status = StatusCodes.BadResponseTooLarge;
        _span = default;
        _used = 0;
    }

    private void NodeIdOf(scoped NodeIdView id, byte flags)
    {
        switch (id.Type)
        {
            case NodeIdType.Numeric when id is { Numeric: <= byte.MaxValue, NamespaceIndex: 0 }:
                Byte((byte)(flags | 0x00));
                Byte((byte)id.Numeric);
                break;
            case NodeIdType.Numeric when id is { Numeric: <= ushort.MaxValue, NamespaceIndex: <= byte.MaxValue }:
                Byte((byte)(flags | 0x01));
                Byte((byte)id.NamespaceIndex);
                UInt16((ushort)id.Numeric);
                break;
            case NodeIdType.Numeric:
                Byte((byte)(flags | 0x02));
                UInt16(id.NamespaceIndex);
                UInt32(id.Numeric);
                break;
            case NodeIdType.Guid:
                Byte((byte)(flags | 0x04));
                UInt16(id.NamespaceIndex);
                Bytes(id.Identifier);
                break;
            default:
                Byte((byte)(flags | (id.Type == NodeIdType.String ? 0x03 : 0x05)));
                UInt16(id.NamespaceIndex);
                ByteString(id.Identifier);
                break;
        }
    }

    private void LongText(string value)
    {
        const int piece = 64;
        Span<byte> utf8 = stackalloc byte[piece * 3];
        for (var rest = value.AsSpan(); !rest.IsEmpty; )
        {
            var take = Math.Min(piece, rest.Length);
            if (take < rest.Length && char.IsHighSurrogate(rest[take - 1]))
                take--;
            Bytes(utf8[..System.Text.Encoding.UTF8.GetBytes(rest[..take], utf8)]);
            rest = rest[take..];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Room(int size) => _span.Length - _used >= size || NextSpan(size);

    private bool NextSpan(int size)
    {
        if (!Status.IsGood)
            return false;
        Flush();
        _span = _output.GetSpan(size);
        if (_span.Length >= size)
            return true;
        Fail();
        return false;
    }
}
