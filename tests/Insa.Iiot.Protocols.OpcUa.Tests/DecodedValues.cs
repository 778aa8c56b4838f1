using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Tests;

/// <summary>Takes values apart that came from the server, and fails where they are of another type.</summary>
internal static class DecodedValues
{
    public static uint UInt32(this Variant value)
    {
        Assert.Equal(BuiltInType.UInt32, value.Type);
        return (uint)value.Bits;
    }

    public static byte Byte(this Variant value)
    {
        Assert.Equal(BuiltInType.Byte, value.Type);
        return (byte)value.Bits;
    }

    public static QualifiedName QualifiedName(this Variant value) => Assert.IsType<QualifiedName>(value.Reference);

    public static T[] Array<T>(this Variant value) => Assert.IsType<T[]>(value.Elements);

    public static T Structure<T>(this Variant value)
        where T : IUaStructure<T> => Structure<T>(Assert.IsType<ExtensionObject>(value.Reference));

    public static T[] Structures<T>(this Variant value)
        where T : IUaStructure<T> => System.Array.ConvertAll(value.Array<ExtensionObject>(), Structure<T>);

    private static T Structure<T>(ExtensionObject value)
        where T : IUaStructure<T>
    {
        Assert.True(value.TypeId.Is(T.BinaryEncodingId));
        var reader = new UaReader(value.Bytes, EncodingLimits.Default);
        var structure = T.Decode(ref reader);
        Assert.True(reader.Status.IsGood);
        return structure;
    }
}
