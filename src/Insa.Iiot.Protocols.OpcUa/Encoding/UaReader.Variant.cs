using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Encoding;

internal ref partial struct UaReader
{
    private const byte TypeBits = 0x3F;
    private const byte HasDimensions = 0x40;
    private const byte IsArrayBit = 0x80;

    public Variant Variant()
    {
        var mask = Byte();
        if (mask == 0 || !Enter())
            return default;
        var value = (mask & IsArrayBit) != 0 ? ArrayVariant(TypeOf(mask)) : ScalarVariant(TypeOf(mask));
        if ((mask & HasDimensions) != 0)
            value = Dimensioned(value);
        Leave();
        return Status.IsGood ? value : default;
    }

    /// <summary>Passes over a variant without keeping any of it.</summary>
    public void SkipVariant()
    {
        var mask = Byte();
        if (mask == 0 || !Enter())
            return;
        var type = TypeOf(mask);
        if ((mask & IsArrayBit) == 0)
        {
            SkipScalar(type);
        }
        else
        {
            for (var left = ArrayLength(MinimumBytesOf(type)); left > 0 && Status.IsGood; left--)
                SkipElement(type);
        }

        if ((mask & HasDimensions) != 0)
            Bytes(ArrayLength(sizeof(int)) * sizeof(int));
        Leave();
    }

    public DataValue DataValue()
    {
        var mask = Byte();
        if (mask == 0 || !Enter())
            return default;
        var value = (mask & 0x01) != 0 ? Variant() : default;
        var status = (mask & 0x02) != 0 ? StatusCode() : default;
        var sourceTimestamp = (mask & 0x04) != 0 ? DateTime() : 0;
        var sourcePicoseconds = (mask & 0x10) != 0 ? UInt16() : (ushort)0;
        var serverTimestamp = (mask & 0x08) != 0 ? DateTime() : 0;
        var serverPicoseconds = (mask & 0x20) != 0 ? UInt16() : (ushort)0;
        if ((mask & 0xC0) != 0)
            Fail(StatusCodes.BadDecodingError);
        Leave();
        return Status.IsGood ? new(value, status, sourceTimestamp, serverTimestamp, sourcePicoseconds, serverPicoseconds) : default;
    }

    public void SkipDataValue()
    {
        var mask = Byte();
        if (mask == 0 || !Enter())
            return;
        if ((mask & 0x01) != 0)
            SkipVariant();
        var rest = (mask & 0x02) != 0 ? 4 : 0;
        rest += (mask & 0x04) != 0 ? 8 : 0;
        rest += (mask & 0x08) != 0 ? 8 : 0;
        rest += (mask & 0x10) != 0 ? 2 : 0;
        rest += (mask & 0x20) != 0 ? 2 : 0;
        Bytes(rest);
        if ((mask & 0xC0) != 0)
            Fail(StatusCodes.BadDecodingError);
        Leave();
    }

    // Part 6 §5.2.2.16: 26 to 31 are reserved and read as byte strings, so that later types pass through.
    private static BuiltInType TypeOf(byte mask)
    {
        var type = (BuiltInType)(mask & TypeBits);
        return type is > BuiltInType.DiagnosticInfo and <= (BuiltInType)31 ? BuiltInType.ByteString : type;
    }

    private Variant ScalarVariant(BuiltInType type)
    {
        switch (type)
        {
            case BuiltInType.Boolean:
                return BuiltInTypes.Variant.Of(Boolean());
            case BuiltInType.SByte:
                return BuiltInTypes.Variant.Of(SByte());
            case BuiltInType.Byte:
                return BuiltInTypes.Variant.Of(Byte());
            case BuiltInType.Int16:
                return BuiltInTypes.Variant.Of(Int16());
            case BuiltInType.UInt16:
                return BuiltInTypes.Variant.Of(UInt16());
            case BuiltInType.Int32:
                return BuiltInTypes.Variant.Of(Int32());
            case BuiltInType.UInt32:
                return BuiltInTypes.Variant.Of(UInt32());
            case BuiltInType.Int64:
                return BuiltInTypes.Variant.Of(Int64());
            case BuiltInType.UInt64:
                return BuiltInTypes.Variant.Of(UInt64());
            case BuiltInType.Float:
                return BuiltInTypes.Variant.Of(Float());
            case BuiltInType.Double:
                return BuiltInTypes.Variant.Of(Double());
            case BuiltInType.String:
                return BuiltInTypes.Variant.Of(String());
            case BuiltInType.DateTime:
                return BuiltInTypes.Variant.OfDateTime(DateTime());
            case BuiltInType.Guid:
                return BuiltInTypes.Variant.Of(Guid());
            case BuiltInType.ByteString:
                return BuiltInTypes.Variant.OfByteString(ByteStringArray());
            case BuiltInType.XmlElement:
                return BuiltInTypes.Variant.OfXml(String());
            case BuiltInType.NodeId:
                return BuiltInTypes.Variant.Of(NodeId().ToNodeId());
            case BuiltInType.ExpandedNodeId:
                return BuiltInTypes.Variant.Of(ExpandedNodeId());
            case BuiltInType.StatusCode:
                return BuiltInTypes.Variant.Of(StatusCode());
            case BuiltInType.QualifiedName:
                return BuiltInTypes.Variant.Of(QualifiedName());
            case BuiltInType.LocalizedText:
                return BuiltInTypes.Variant.Of(LocalizedText());
            case BuiltInType.ExtensionObject:
                return BuiltInTypes.Variant.Of(ExtensionObject());
            case BuiltInType.DataValue:
                return BuiltInTypes.Variant.Of(DataValue());
            case BuiltInType.DiagnosticInfo:
                return BuiltInTypes.Variant.Of(DiagnosticInfo());
            default:
                // A variant holds an array of variants, never one variant (Part 6 §5.1.6).
                Fail(StatusCodes.BadDecodingError);
                return default;
        }
    }

    private Variant ArrayVariant(BuiltInType type)
    {
        var elements = type switch
        {
            BuiltInType.Boolean => Array<bool, Elements.Boolean>(),
            BuiltInType.SByte => Array<sbyte, Elements.SByte>(),
            BuiltInType.Byte => Array<byte, Elements.Byte>(),
            BuiltInType.Int16 => Array<short, Elements.Int16>(),
            BuiltInType.UInt16 => Array<ushort, Elements.UInt16>(),
            BuiltInType.Int32 => Array<int, Elements.Int32>(),
            BuiltInType.UInt32 => Array<uint, Elements.UInt32>(),
            BuiltInType.Int64 => Array<long, Elements.Int64>(),
            BuiltInType.UInt64 => Array<ulong, Elements.UInt64>(),
            BuiltInType.Float => Array<float, Elements.Float>(),
            BuiltInType.Double => Array<double, Elements.Double>(),
            BuiltInType.String => Array<string?, Elements.String>(),
            BuiltInType.DateTime => Array<long, Elements.DateTime>(),
            BuiltInType.Guid => Array<Guid, Elements.Guid>(),
            BuiltInType.ByteString => Array<byte[]?, Elements.ByteString>(),
            BuiltInType.XmlElement => Array<string?, Elements.XmlElement>(),
            BuiltInType.NodeId => Array<NodeId, Elements.NodeId>(),
            BuiltInType.ExpandedNodeId => Array<ExpandedNodeId, Elements.ExpandedNodeId>(),
            BuiltInType.StatusCode => Array<StatusCode, Elements.StatusCode>(),
            BuiltInType.QualifiedName => Array<QualifiedName, Elements.QualifiedName>(),
            BuiltInType.LocalizedText => Array<LocalizedText, Elements.LocalizedText>(),
            BuiltInType.ExtensionObject => Array<ExtensionObject, Elements.ExtensionObject>(),
            BuiltInType.DataValue => Array<DataValue, Elements.DataValue>(),
            BuiltInType.Variant => Array<Variant, Elements.Variant>(),
            BuiltInType.DiagnosticInfo => Array<DiagnosticInfo, Elements.DiagnosticInfo>(),
            _ => UnknownType(),
        };
        return BuiltInTypes.Variant.OfArray(type, elements);
    }

    private Array? UnknownType()
    {
        Fail(StatusCodes.BadDecodingError);
        return null;
    }

    private Variant Dimensioned(Variant value)
    {
        var dimensions = Array<int, Elements.Int32>();
        if (!Status.IsGood)
            return default;
        if (!value.IsArray)
        {
            Fail(StatusCodes.BadDecodingError);
            return default;
        }

        if (dimensions is null or { Length: < 2 })
            return value;

        // Part 6 §5.2.2.16: a product other than the number of elements is a decoding error.
        long product = 1;
        foreach (var dimension in dimensions)
        {
            product = dimension < 0 || product > _limits.MaxArrayLength ? -1 : product * dimension;
            if (product < 0)
                break;
        }

        if (product == value.Length)
            return value.WithDimensions(dimensions);
        Fail(StatusCodes.BadDecodingError);
        return default;
    }

    private static int MinimumBytesOf(BuiltInType type) =>
        type switch
        {
            BuiltInType.Int16 or BuiltInType.UInt16 or BuiltInType.NodeId or BuiltInType.ExpandedNodeId => 2,
            BuiltInType.ExtensionObject => 3,
            BuiltInType.Int32 or BuiltInType.UInt32 or BuiltInType.Float or BuiltInType.StatusCode => 4,
            BuiltInType.String or BuiltInType.ByteString or BuiltInType.XmlElement => 4,
            BuiltInType.QualifiedName => 6,
            BuiltInType.Int64 or BuiltInType.UInt64 or BuiltInType.Double or BuiltInType.DateTime => 8,
            BuiltInType.Guid => 16,
            _ => 1,
        };

    private void SkipElement(BuiltInType type)
    {
        if (type == BuiltInType.Variant)
            SkipVariant();
        else
            SkipScalar(type);
    }

    private void SkipScalar(BuiltInType type)
    {
        switch (type)
        {
            case BuiltInType.Boolean or BuiltInType.SByte or BuiltInType.Byte:
            case BuiltInType.Int16 or BuiltInType.UInt16:
            case BuiltInType.Int32 or BuiltInType.UInt32 or BuiltInType.Float or BuiltInType.StatusCode:
            case BuiltInType.Int64 or BuiltInType.UInt64 or BuiltInType.Double or BuiltInType.DateTime:
            case BuiltInType.Guid:
                Bytes(MinimumBytesOf(type));
                break;
            case BuiltInType.String or BuiltInType.XmlElement:
                Utf8String();
                break;
            case BuiltInType.ByteString:
                ByteString();
                break;
            case BuiltInType.NodeId:
                NodeId();
                break;
            case BuiltInType.ExpandedNodeId:
                ExpandedNodeId();
                break;
            case BuiltInType.QualifiedName:
                QualifiedNameUtf8(out _);
                break;
            case BuiltInType.LocalizedText:
                var fields = Byte();
                if ((fields & 1) != 0)
                    Utf8String();
                if ((fields & 2) != 0)
                    Utf8String();
                break;
            case BuiltInType.ExtensionObject:
                ExtensionObjectView();
                break;
            case BuiltInType.DataValue:
                SkipDataValue();
                break;
            case BuiltInType.DiagnosticInfo:
                SkipDiagnosticInfo();
                break;
            default:
                Fail(StatusCodes.BadDecodingError);
                break;
        }
    }
}
