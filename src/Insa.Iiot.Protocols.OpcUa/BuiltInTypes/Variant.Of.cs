using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

internal readonly partial struct Variant
{
    public static Variant Of(bool value) => new(BuiltInType.Boolean, value ? 1UL : 0);

    public static Variant Of(sbyte value) => new(BuiltInType.SByte, unchecked((ulong)value));

    public static Variant Of(byte value) => new(BuiltInType.Byte, value);

    public static Variant Of(short value) => new(BuiltInType.Int16, unchecked((ulong)value));

    public static Variant Of(ushort value) => new(BuiltInType.UInt16, value);

    public static Variant Of(int value) => new(BuiltInType.Int32, unchecked((ulong)value));

    public static Variant Of(uint value) => new(BuiltInType.UInt32, value);

    public static Variant Of(long value) => new(BuiltInType.Int64, unchecked((ulong)value));

    public static Variant Of(ulong value) => new(BuiltInType.UInt64, value);

    public static Variant Of(float value) => new(BuiltInType.Float, BitConverter.SingleToUInt32Bits(value));

    public static Variant Of(double value) => new(BuiltInType.Double, BitConverter.DoubleToUInt64Bits(value));

    public static Variant Of(StatusCode value) => new(BuiltInType.StatusCode, value.Value);

    public static Variant OfDateTime(long uaTicks) => new(BuiltInType.DateTime, unchecked((ulong)UaDateTime.Clamp(uaTicks)));

    public static Variant Of(DateTimeOffset value) => OfDateTime(UaDateTime.From(value));

    public static Variant Of(string? value) => new(BuiltInType.String, value);

    public static Variant OfXml(string? value) => new(BuiltInType.XmlElement, value);

    public static Variant OfByteString(byte[]? value) => new(BuiltInType.ByteString, value);

    public static Variant Of(Guid value) => new(BuiltInType.Guid, value);

    public static Variant Of(NodeId value) => new(BuiltInType.NodeId, value);

    public static Variant Of(ExpandedNodeId value) => new(BuiltInType.ExpandedNodeId, value);

    public static Variant Of(QualifiedName value) => new(BuiltInType.QualifiedName, value);

    public static Variant Of(LocalizedText value) => new(BuiltInType.LocalizedText, value);

    public static Variant Of(ExtensionObject value) => new(BuiltInType.ExtensionObject, value);

    public static Variant Of(IUaEncodable structure) => Of(new ExtensionObject(structure));

    public static Variant Of(DataValue value) => new(BuiltInType.DataValue, value);

    public static Variant Of(DiagnosticInfo value) => new(BuiltInType.DiagnosticInfo, value);

    public static Variant Of(bool[]? values) => new(BuiltInType.Boolean, values, isArray: true);

    public static Variant Of(sbyte[]? values) => new(BuiltInType.SByte, values, isArray: true);

    /// <summary>An array of Byte, which is not a ByteString.</summary>
    public static Variant Of(byte[]? values) => new(BuiltInType.Byte, values, isArray: true);

    public static Variant Of(short[]? values) => new(BuiltInType.Int16, values, isArray: true);

    public static Variant Of(ushort[]? values) => new(BuiltInType.UInt16, values, isArray: true);

    public static Variant Of(int[]? values) => new(BuiltInType.Int32, values, isArray: true);

    public static Variant Of(uint[]? values) => new(BuiltInType.UInt32, values, isArray: true);

    public static Variant Of(long[]? values) => new(BuiltInType.Int64, values, isArray: true);

    public static Variant Of(ulong[]? values) => new(BuiltInType.UInt64, values, isArray: true);

    public static Variant Of(float[]? values) => new(BuiltInType.Float, values, isArray: true);

    public static Variant Of(double[]? values) => new(BuiltInType.Double, values, isArray: true);

    public static Variant Of(string?[]? values) => new(BuiltInType.String, values, isArray: true);

    public static Variant OfXml(string?[]? values) => new(BuiltInType.XmlElement, values, isArray: true);

    /// <param name="uaTicks">UA ticks, within their range.</param>
    public static Variant OfDateTimes(long[]? uaTicks) => new(BuiltInType.DateTime, uaTicks, isArray: true);

    public static Variant Of(Guid[]? values) => new(BuiltInType.Guid, values, isArray: true);

    public static Variant OfByteStrings(byte[]?[]? values) => new(BuiltInType.ByteString, values, isArray: true);

    public static Variant Of(NodeId[]? values) => new(BuiltInType.NodeId, values, isArray: true);

    public static Variant Of(ExpandedNodeId[]? values) => new(BuiltInType.ExpandedNodeId, values, isArray: true);

    public static Variant Of(StatusCode[]? values) => new(BuiltInType.StatusCode, values, isArray: true);

    public static Variant Of(QualifiedName[]? values) => new(BuiltInType.QualifiedName, values, isArray: true);

    public static Variant Of(LocalizedText[]? values) => new(BuiltInType.LocalizedText, values, isArray: true);

    public static Variant Of(ExtensionObject[]? values) => new(BuiltInType.ExtensionObject, values, isArray: true);

    public static Variant Of<T>(T[]? structures)
        where T : IUaEncodable => Of(structures is null ? null : Array.ConvertAll(structures, structure => new ExtensionObject(structure)));

    public static Variant Of(DataValue[]? values) => new(BuiltInType.DataValue, values, isArray: true);

    public static Variant Of(Variant[]? values) => new(BuiltInType.Variant, values, isArray: true);

    public static Variant Of(DiagnosticInfo[]? values) => new(BuiltInType.DiagnosticInfo, values, isArray: true);

    /// <summary>An array of any element type, as <see cref="Elements"/> lists them.</summary>
    internal static Variant OfArray(BuiltInType type, Array? elements) => new(type, elements, isArray: true);

    /// <summary>The same elements in more than one dimension, whose product must be their number.</summary>
    public Variant WithDimensions(int[] dimensions) => new(Type, new Matrix(Elements ?? Array.Empty<byte>(), dimensions), isArray: true);
}
