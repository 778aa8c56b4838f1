using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Encoding;

/// <summary>
/// Reads the binary encoding of Part 6 §5.2 in place. Faults stick and nothing throws: after the first one
/// <see cref="Status"/> says what it was, nothing remains to be read, every value is its default and every count 0.
/// </summary>
internal ref partial struct UaReader
{
    private readonly EncodingLimits _limits;
    private ReadOnlySpan<byte> _rest;
    private int _depth;
    private int _memory;

    public UaReader(ReadOnlySpan<byte> message, EncodingLimits limits)
    {
        _rest = message;
        _limits = limits;
        _depth = limits.MaxDepth;
        _memory = limits.MaxDecodedBytes;
    }

    /// <summary>Good, or the first fault: BadDecodingError or BadEncodingLimitsExceeded.</summary>
    public StatusCode Status { get; private set; }

    public readonly int Remaining => _rest.Length;

    public readonly EncodingLimits Limits => _limits;

    /// <summary>What is not read yet.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest;

    public void Fail(StatusCode status)
    {
        if (Status.IsGood)
            Status = status;
        _rest = default;
    }

    public bool Boolean() => Byte() != 0;

    public sbyte SByte() => unchecked((sbyte)Byte());

    public byte Byte()
    {
        if (_rest.IsEmpty)
            return (byte)TooShort();
        var value = _rest[0];
        _rest = _rest[1..];
        return value;
    }

    public short Int16() => unchecked((short)UInt16());

    public ushort UInt16()
    {
        if (!BinaryPrimitives.TryReadUInt16LittleEndian(_rest, out var value))
            return (ushort)TooShort();
        _rest = _rest[sizeof(ushort)..];
        return value;
    }

    public int Int32() => unchecked((int)UInt32());

    public uint UInt32()
    {
        if (!BinaryPrimitives.TryReadUInt32LittleEndian(_rest, out var value))
            return TooShort();
        _rest = _rest[sizeof(uint)..];
        return value;
    }

    public long Int64() => unchecked((long)UInt64());

    public ulong UInt64()
    {
        if (!BinaryPrimitives.TryReadUInt64LittleEndian(_rest, out var value))
            return TooShort();
        _rest = _rest[sizeof(ulong)..];
        return value;
    }

    public float Float() => BitConverter.UInt32BitsToSingle(UInt32());

    public double Double() => BitConverter.UInt64BitsToDouble(UInt64());

    /// <summary>UA ticks, clamped to what can be written again.</summary>
    public long DateTime() => UaDateTime.Clamp(Int64());

    public Guid Guid()
    {
        var bytes = Bytes(16);
        return bytes.IsEmpty ? default : new Guid(bytes);
    }

    public StatusCode StatusCode() => new(UInt32());

    public ReadOnlySpan<byte> Utf8String() => Utf8String(out _);

    /// <summary>The bytes of a string. They need not be valid UTF-8.</summary>
    public ReadOnlySpan<byte> Utf8String(out bool isNull) => Sized(_limits.MaxStringBytes, out isNull);

    public string? String()
    {
        var utf8 = Utf8String(out var isNull);
        if (isNull || !Charge(utf8.Length * sizeof(char)))
            return null;
        return System.Text.Encoding.UTF8.GetString(utf8);
    }

    public ReadOnlySpan<byte> ByteString() => ByteString(out _);

    public ReadOnlySpan<byte> ByteString(out bool isNull) => Sized(_limits.MaxByteStringBytes, out isNull);

    public byte[]? ByteStringArray()
    {
        var bytes = ByteString(out var isNull);
        return isNull || !Charge(bytes.Length) ? null : bytes.ToArray();
    }

    public NodeIdView NodeId()
    {
        // 0x40 and 0x80 belong to expanded ids; in a node id they are a fault, not an id with a tail (Part 6 §5.2.2.9).
        return NodeIdOf(Byte());
    }

    public ExpandedNodeId ExpandedNodeId()
    {
        const byte uriFollows = 0x80;
        const byte serverIndexFollows = 0x40;
        var form = Byte();
        var id = NodeIdOf((byte)(form & ~(uriFollows | serverIndexFollows)));
        if (!Charge(id.Identifier.Length))
            return default;
        var uri = (form & uriFollows) != 0 ? String() : null;
        var serverIndex = (form & serverIndexFollows) != 0 ? UInt32() : 0;
        return Status.IsGood ? new(id.ToNodeId(), uri, serverIndex) : default;
    }

    public QualifiedName QualifiedName() => new(UInt16(), String());

    /// <summary>A qualified name without making a string of it.</summary>
    public ReadOnlySpan<byte> QualifiedNameUtf8(out ushort namespaceIndex)
    {
        namespaceIndex = UInt16();
        return Utf8String();
    }

    public LocalizedText LocalizedText()
    {
        var fields = Byte();
        var locale = (fields & 1) != 0 ? String() : null;
        var text = (fields & 2) != 0 ? String() : null;
        return new(locale, text);
    }

    public ExtensionObjectView ExtensionObjectView()
    {
        var typeId = NodeId();
        var encoding = (ExtensionObjectBody)Byte();
        if (encoding == ExtensionObjectBody.None)
            return new(typeId, encoding, default);
        if (encoding is not (ExtensionObjectBody.Binary or ExtensionObjectBody.Xml))
            Fail(StatusCodes.BadDecodingError);

        // A body is as long as the message lets it be: structures are not byte strings to the limits.
        return new(typeId, encoding, Sized(int.MaxValue, out _));
    }

    /// <summary>An extension object that outlives the message. Its body is not looked into.</summary>
    public ExtensionObject ExtensionObject()
    {
        var view = ExtensionObjectView();
        return Charge(view.Body.Length + view.TypeId.Identifier.Length) ? view.ToExtensionObject() : default;
    }

    /// <summary>
    /// Reads the structure in an extension object with the depth and memory that are left to this message.
    /// A malformed body is this reader's fault too.
    /// </summary>
    public T? Structure<T>(ExtensionObjectView view)
        where T : class, IUaStructure<T>
    {
        if (!view.Is(T.BinaryEncodingId) || !Enter())
            return null;
        var body = new UaReader(view.Body, _limits) { _depth = _depth, _memory = _memory };
        var structure = T.Decode(ref body);
        _memory = body._memory;
        Leave();
        if (body.Status.IsGood)
            return structure;
        Fail(body.Status);
        return null;
    }

    public T Structure<T>()
        where T : IUaStructure<T> => T.Decode(ref this);

    public T[]? StructureArray<T>()
        where T : IUaStructure<T> => Array<T, Elements.Structure<T>>();

    /// <summary>An array, null for a null array, and empty after a fault.</summary>
    public T[]? Array<T, TElement>()
        where TElement : IElement<T>
    {
        var count = ArrayLength(TElement.MinimumBytes, out var isNull);
        return isNull ? null : ElementsOf<T, TElement>(count);
    }

    /// <summary>
    /// The length of an array whose elements take at least so many bytes each. It is 0 for a null or empty array and for one that
    /// the limits or the bytes that are left forbid.
    /// </summary>
    public int ArrayLength(int minimumElementBytes, out bool isNull)
    {
        var length = Int32();
        isNull = length < 0;
        if (length <= 0)
            return 0;
        if (length > _limits.MaxArrayLength)
            Fail(StatusCodes.BadEncodingLimitsExceeded);
        else if ((long)length * minimumElementBytes > Remaining)
            Fail(StatusCodes.BadDecodingError);
        else
            return length;
        return 0;
    }

    public int ArrayLength(int minimumElementBytes) => ArrayLength(minimumElementBytes, out _);

    /// <summary>Goes one level deeper. False, and a fault, at the bottom of the budget; else <see cref="Leave"/> must follow.</summary>
    public bool Enter()
    {
        if (_depth == 0)
            Fail(StatusCodes.BadEncodingLimitsExceeded);
        else if (Status.IsGood)
        {
            _depth--;
            return true;
        }

        return false;
    }

    public void Leave() => _depth++;

    public DiagnosticInfo DiagnosticInfo()
    {
        var start = _rest;
        SkipDiagnosticInfo();
        var encoded = start[..(start.Length - _rest.Length)];
        return Status.IsGood && Charge(encoded.Length) ? new(encoded.ToArray()) : default;
    }

    public void SkipDiagnosticInfo()
    {
        if (!Enter())
            return;
        var fields = Byte();
        if ((fields & 0x80) != 0)
            Fail(StatusCodes.BadDecodingError);
        for (var numbers = 0x01; numbers <= 0x08; numbers <<= 1)
        {
            if ((fields & numbers) != 0)
                Int32();
        }

        if ((fields & 0x10) != 0)
            Utf8String();
        if ((fields & 0x20) != 0)
            UInt32();
        if ((fields & 0x40) != 0)
            SkipDiagnosticInfo();
        Leave();
    }

    /// <summary>The next <paramref name="count"/> bytes as they are.</summary>
    public ReadOnlySpan<byte> Bytes(int count)
    {
        if ((uint)count > (uint)_rest.Length)
        {
            TooShort();
            return default;
        }

        var bytes = _rest[..count];
        _rest = _rest[count..];
        return bytes;
    }

    private NodeIdView NodeIdOf(byte form)
    {
        switch (form)
        {
            case 0x00:
                return new(0, Byte());
            case 0x01:
                return new(Byte(), UInt16());
            case 0x02:
                return new(UInt16(), UInt32());
            case 0x03:
                return new(UInt16(), NodeIdType.String, Utf8String());
            case 0x04:
                var ns = UInt16();
                var guid = Bytes(16);
                return Status.IsGood ? new(ns, NodeIdType.Guid, guid) : default;
            case 0x05:
                return new(UInt16(), NodeIdType.Opaque, ByteString());
            default:
                Fail(StatusCodes.BadDecodingError);
                return default;
        }
    }

    private T[] ElementsOf<T, TElement>(int count)
        where TElement : IElement<T>
    {
        if (count == 0 || !Charge((long)count * Math.Max(Unsafe.SizeOf<T>(), TElement.MinimumBytes)))
            return [];
        var elements = new T[count];
        for (var i = 0; i < elements.Length; i++)
        {
            elements[i] = TElement.Read(ref this);
            if (!Status.IsGood)
                return [];
        }

        return elements;
    }

    private ReadOnlySpan<byte> Sized(int limit, out bool isNull)
    {
        var length = Int32();
        isNull = length < 0 || !Status.IsGood;
        if (isNull)
            return default;
        if (length <= limit)
            return Bytes(length);
        Fail(StatusCodes.BadEncodingLimitsExceeded);
        isNull = true;
        return default;
    }

    private bool Charge(long bytes)
    {
        if (bytes <= _memory)
        {
            _memory -= (int)bytes;
            return true;
        }

        Fail(StatusCodes.BadEncodingLimitsExceeded);
        return false;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private uint TooShort()
    {
        Fail(StatusCodes.BadDecodingError);
        return 0;
    }
}
