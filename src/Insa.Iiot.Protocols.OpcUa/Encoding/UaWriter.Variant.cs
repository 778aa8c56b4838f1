using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Encoding;

internal ref partial struct UaWriter
{
    private const byte HasDimensions = 0x40;
    private const byte IsArrayBit = 0x80;

    public void Variant(Variant value)
    {
        if (value.IsNull)
            Byte(0);
        else if (value.IsArray)
            ArrayVariant(value);
        else
            ScalarVariant(value);
    }

    public void DataValue(DataValue value)
    {
        var mask = value.Value.IsNull ? 0 : 0x01;
        mask |= value.Status.Value == 0 ? 0 : 0x02;
        mask |= value.SourceTimestamp == 0 ? 0 : 0x04;
        mask |= value.ServerTimestamp == 0 ? 0 : 0x08;
        mask |= value.SourcePicoseconds == 0 ? 0 : 0x10;
        mask |= value.ServerPicoseconds == 0 ? 0 : 0x20;
        Byte((byte)mask);
        if ((mask & 0x01) != 0)
            Variant(value.Value);
        if ((mask & 0x02) != 0)
            StatusCode(value.Status);
        if ((mask & 0x04) != 0)
            DateTime(value.SourceTimestamp);
        if ((mask & 0x10) != 0)
            UInt16(value.SourcePicoseconds);
        if ((mask & 0x08) != 0)
            DateTime(value.ServerTimestamp);
        if ((mask & 0x20) != 0)
            UInt16(value.ServerPicoseconds);
    }

    private void ScalarVariant(Variant value)
    {
        Byte((byte)value.Type);
        switch (value.Type)
        {
            case BuiltInType.Boolean or BuiltInType.SByte or BuiltInType.Byte:
                Byte(unchecked((byte)value.Bits));
                break;
            case BuiltInType.Int16 or BuiltInType.UInt16:
                UInt16(unchecked((ushort)value.Bits));
                break;
            case BuiltInType.Int32 or BuiltInType.UInt32 or BuiltInType.Float or BuiltInType.StatusCode:
                UInt32(unchecked((uint)value.Bits));
                break;
            case BuiltInType.Int64 or BuiltInType.UInt64 or BuiltInType.Double or BuiltInType.DateTime:
                UInt64(value.Bits);
                break;
            case BuiltInType.String or BuiltInType.XmlElement:
                String(value.Text);
                break;
            case BuiltInType.ByteString:
                ByteString((byte[]?)value.Reference);
                break;
            case BuiltInType.Guid:
                Guid((Guid)value.Reference!);
                break;
            case BuiltInType.NodeId:
                NodeId((NodeId)value.Reference!);
                break;
            case BuiltInType.ExpandedNodeId:
                ExpandedNodeId((ExpandedNodeId)value.Reference!);
                break;
            case BuiltInType.QualifiedName:
                QualifiedName((QualifiedName)value.Reference!);
                break;
            case BuiltInType.LocalizedText:
                LocalizedText((LocalizedText)value.Reference!);
                break;
            case BuiltInType.ExtensionObject:
                ExtensionObject((ExtensionObject)value.Reference!);
                break;
            case BuiltInType.DataValue:
                DataValue((DataValue)value.Reference!);
                break;
            default:
                DiagnosticInfo((DiagnosticInfo)value.Reference!);
                break;
        }
    }

    private void ArrayVariant(Variant value)
    {
        var dimensions = value.Dimensions;
        Byte((byte)((byte)value.Type | IsArrayBit | (dimensions is null ? 0 : HasDimensions)));
        var elements = value.Elements;
        if (elements is null)
        {
            NullArray();
            return;
        }

        switch (value.Type)
        {
            case BuiltInType.Boolean:
                Array<bool, Elements.Boolean>((bool[])elements);
                break;
            case BuiltInType.SByte:
                Array<sbyte, Elements.SByte>((sbyte[])elements);
                break;
            case BuiltInType.Byte:
                Array<byte, Elements.Byte>((byte[])elements);
                break;
            case BuiltInType.Int16:
                Array<short, Elements.Int16>((short[])elements);
                break;
            case BuiltInType.UInt16:
                Array<ushort, Elements.UInt16>((ushort[])elements);
                break;
            case BuiltInType.Int32:
                Array<int, Elements.Int32>((int[])elements);
                break;
            case BuiltInType.UInt32:
                Array<uint, Elements.UInt32>((uint[])elements);
                break;
            case BuiltInType.Int64:
                Array<long, Elements.Int64>((long[])elements);
                break;
            case BuiltInType.UInt64:
                Array<ulong, Elements.UInt64>((ulong[])elements);
                break;
            case BuiltInType.Float:
                Array<float, Elements.Float>((float[])elements);
                break;
            case BuiltInType.Double:
                Array<double, Elements.Double>((double[])elements);
                break;
            case BuiltInType.String or BuiltInType.XmlElement:
                Array<string?, Elements.String>((string?[])elements);
                break;
            case BuiltInType.DateTime:
                Array<long, Elements.DateTime>((long[])elements);
                break;
            case BuiltInType.Guid:
                Array<Guid, Elements.Guid>((Guid[])elements);
                break;
            case BuiltInType.ByteString:
                Array<byte[]?, Elements.ByteString>((byte[]?[])elements);
                break;
            case BuiltInType.NodeId:
                Array<NodeId, Elements.NodeId>((NodeId[])elements);
                break;
            case BuiltInType.ExpandedNodeId:
                Array<ExpandedNodeId, Elements.ExpandedNodeId>((ExpandedNodeId[])elements);
                break;
            case BuiltInType.StatusCode:
                Array<StatusCode, Elements.StatusCode>((StatusCode[])elements);
                break;
            case BuiltInType.QualifiedName:
                Array<QualifiedName, Elements.QualifiedName>((QualifiedName[])elements);
                break;
            case BuiltInType.LocalizedText:
                Array<LocalizedText, Elements.LocalizedText>((LocalizedText[])elements);
                break;
            case BuiltInType.ExtensionObject:
                Array<ExtensionObject, Elements.ExtensionObject>((ExtensionObject[])elements);
                break;
            case BuiltInType.DataValue:
                Array<DataValue, Elements.DataValue>((DataValue[])elements);
                break;
            case BuiltInType.Variant:
                Array<Variant, Elements.Variant>((Variant[])elements);
                break;
            default:
                Array<DiagnosticInfo, Elements.DiagnosticInfo>((DiagnosticInfo[])elements);
                break;
        }

        if (dimensions is not null)
            Array<int, Elements.Int32>(dimensions);
    }
}
