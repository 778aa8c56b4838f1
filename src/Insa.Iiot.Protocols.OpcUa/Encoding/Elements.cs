using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Encoding;

/// <summary>The elements of arrays of each built-in type, and of structures.</summary>
internal static class Elements
{
    public readonly struct Boolean : IElement<bool>
    {
        public static int MinimumBytes => 1;

        public static bool Read(ref UaReader reader) => reader.Boolean();

        public static void Write(ref UaWriter writer, bool value) => writer.Boolean(value);
    }

    public readonly struct SByte : IElement<sbyte>
    {
        public static int MinimumBytes => 1;

        public static sbyte Read(ref UaReader reader) => reader.SByte();

        public static void Write(ref UaWriter writer, sbyte value) => writer.SByte(value);
    }

    public readonly struct Byte : IElement<byte>
    {
        public static int MinimumBytes => 1;

        public static byte Read(ref UaReader reader) => reader.Byte();

        public static void Write(ref UaWriter writer, byte value) => writer.Byte(value);
    }

    public readonly struct Int16 : IElement<short>
    {
        public static int MinimumBytes => 2;

        public static short Read(ref UaReader reader) => reader.Int16();

        public static void Write(ref UaWriter writer, short value) => writer.Int16(value);
    }

    public readonly struct UInt16 : IElement<ushort>
    {
        public static int MinimumBytes => 2;

        public static ushort Read(ref UaReader reader) => reader.UInt16();

        public static void Write(ref UaWriter writer, ushort value) => writer.UInt16(value);
    }

    public readonly struct Int32 : IElement<int>
    {
        public static int MinimumBytes => 4;

        public static int Read(ref UaReader reader) => reader.Int32();

        public static void Write(ref UaWriter writer, int value) => writer.Int32(value);
    }

    public readonly struct UInt32 : IElement<uint>
    {
        public static int MinimumBytes => 4;

        public static uint Read(ref UaReader reader) => reader.UInt32();

        public static void Write(ref UaWriter writer, uint value) => writer.UInt32(value);
    }

    public readonly struct Int64 : IElement<long>
    {
        public static int MinimumBytes => 8;

        public static long Read(ref UaReader reader) => reader.Int64();

        public static void Write(ref UaWriter writer, long value) => writer.Int64(value);
    }

    public readonly struct UInt64 : IElement<ulong>
    {
        public static int MinimumBytes => 8;

        public static ulong Read(ref UaReader reader) => reader.UInt64();

        public static void Write(ref UaWriter writer, ulong value) => writer.UInt64(value);
    }

    public readonly struct Float : IElement<float>
    {
        public static int MinimumBytes => 4;

        public static float Read(ref UaReader reader) => reader.Float();

        public static void Write(ref UaWriter writer, float value) => writer.Float(value);
    }

    public readonly struct Double : IElement<double>
    {
        public static int MinimumBytes => 8;

        public static double Read(ref UaReader reader) => reader.Double();

        public static void Write(ref UaWriter writer, double value) => writer.Double(value);
    }

    public readonly struct String : IElement<string?>
    {
        public static int MinimumBytes => 4;

        public static string? Read(ref UaReader reader) => reader.String();

        public static void Write(ref UaWriter writer, string? value) => writer.String(value);
    }

    public readonly struct DateTime : IElement<long>
    {
        public static int MinimumBytes => 8;

        public static long Read(ref UaReader reader) => reader.DateTime();

        public static void Write(ref UaWriter writer, long value) => writer.DateTime(value);
    }

    public readonly struct Guid : IElement<System.Guid>
    {
        public static int MinimumBytes => 16;

        public static System.Guid Read(ref UaReader reader) => reader.Guid();

        public static void Write(ref UaWriter writer, System.Guid value) => writer.Guid(value);
    }

    public readonly struct ByteString : IElement<byte[]?>
    {
        public static int MinimumBytes => 4;

        public static byte[]? Read(ref UaReader reader) => reader.ByteStringArray();

        public static void Write(ref UaWriter writer, byte[]? value) => writer.ByteString(value);
    }

    public readonly struct XmlElement : IElement<string?>
    {
        public static int MinimumBytes => 4;

        public static string? Read(ref UaReader reader) => reader.String();

        public static void Write(ref UaWriter writer, string? value) => writer.String(value);
    }

    public readonly struct NodeId : IElement<BuiltInTypes.NodeId>
    {
        public static int MinimumBytes => 2;

        public static BuiltInTypes.NodeId Read(ref UaReader reader) => reader.NodeId().ToNodeId();

        public static void Write(ref UaWriter writer, BuiltInTypes.NodeId value) => writer.NodeId(value);
    }

    public readonly struct ExpandedNodeId : IElement<BuiltInTypes.ExpandedNodeId>
    {
        public static int MinimumBytes => 2;

        public static BuiltInTypes.ExpandedNodeId Read(ref UaReader reader) => reader.ExpandedNodeId();

        public static void Write(ref UaWriter writer, BuiltInTypes.ExpandedNodeId value) => writer.ExpandedNodeId(value);
    }

    public readonly struct StatusCode : IElement<BuiltInTypes.StatusCode>
    {
        public static int MinimumBytes => 4;

        public static BuiltInTypes.StatusCode Read(ref UaReader reader) => reader.StatusCode();

        public static void Write(ref UaWriter writer, BuiltInTypes.StatusCode value) => writer.StatusCode(value);
    }

    public readonly struct QualifiedName : IElement<BuiltInTypes.QualifiedName>
    {
        public static int MinimumBytes => 6;

        public static BuiltInTypes.QualifiedName Read(ref UaReader reader) => reader.QualifiedName();

        public static void Write(ref UaWriter writer, BuiltInTypes.QualifiedName value) => writer.QualifiedName(value);
    }

    public readonly struct LocalizedText : IElement<BuiltInTypes.LocalizedText>
    {
        public static int MinimumBytes => 1;

        public static BuiltInTypes.LocalizedText Read(ref UaReader reader) => reader.LocalizedText();

        public static void Write(ref UaWriter writer, BuiltInTypes.LocalizedText value) => writer.LocalizedText(value);
    }

    public readonly struct ExtensionObject : IElement<BuiltInTypes.ExtensionObject>
    {
        public static int MinimumBytes => 3;

        public static BuiltInTypes.ExtensionObject Read(ref UaReader reader) => reader.ExtensionObject();

        public static void Write(ref UaWriter writer, BuiltInTypes.ExtensionObject value) => writer.ExtensionObject(value);
    }

    public readonly struct DataValue : IElement<BuiltInTypes.DataValue>
    {
        public static int MinimumBytes => 1;

        public static BuiltInTypes.DataValue Read(ref UaReader reader) => reader.DataValue();

        public static void Write(ref UaWriter writer, BuiltInTypes.DataValue value) => writer.DataValue(value);
    }

    public readonly struct Variant : IElement<BuiltInTypes.Variant>
    {
        public static int MinimumBytes => 1;

        public static BuiltInTypes.Variant Read(ref UaReader reader) => reader.Variant();

        public static void Write(ref UaWriter writer, BuiltInTypes.Variant value) => writer.Variant(value);
    }

    public readonly struct DiagnosticInfo : IElement<BuiltInTypes.DiagnosticInfo>
    {
        public static int MinimumBytes => 1;

        public static BuiltInTypes.DiagnosticInfo Read(ref UaReader reader) => reader.DiagnosticInfo();

        public static void Write(ref UaWriter writer, BuiltInTypes.DiagnosticInfo value) => writer.DiagnosticInfo(value);
    }

    public readonly struct Structure<T> : IElement<T>
        where T : IUaStructure<T>
    {
        public static int MinimumBytes => T.MinimumEncodedBytes;

        public static T Read(ref UaReader reader) => T.Decode(ref reader);

        public static void Write(ref UaWriter writer, T value) => value.Encode(ref writer);
    }
}
