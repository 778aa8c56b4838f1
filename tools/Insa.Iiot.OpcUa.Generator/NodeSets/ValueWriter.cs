using System.Globalization;
using System.Xml.Linq;

namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>Turns the value of a variable, as its XML says it, into the bytes of a variant. Descriptions are left out.</summary>
internal static class ValueWriter
{
    private const byte Array = 0x80;
    private static readonly XNamespace _types = "http://opcfoundation.org/UA/2008/02/Types.xsd";

    /// <returns><see langword="null"/> if the value is of a kind that is not carried over.</returns>
    public static byte[]? Write(XElement value, NodeGraph graph)
    {
        var bytes = new UaBytes();
        var items = value.Elements().ToList();
        switch (value.Name.LocalName)
        {
            case "Boolean":
                bytes.Byte(1);
                bytes.Boolean((bool)value);
                return bytes.ToArray();
            case "Byte":
                bytes.Byte(3);
                bytes.Byte((byte)(int)value);
                return bytes.ToArray();
            case "Int32":
                bytes.Byte(6);
                bytes.Int32((int)value);
                return bytes.ToArray();
            case "UInt32":
                bytes.Byte(7);
                bytes.UInt32((uint)value);
                return bytes.ToArray();
            case "String":
                bytes.Byte(12);
                bytes.String(value.Value);
                return bytes.ToArray();
            case "DateTime":
                bytes.Byte(13);
                bytes.Int64(DateTime.Parse(value.Value, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind).ToFileTimeUtc());
                return bytes.ToArray();
            case "LocalizedText":
                bytes.Byte(21);
                bytes.Text(Child(value, "Text"));
                return bytes.ToArray();
            case "ListOfLocalizedText":
                bytes.Byte(21 | Array);
                bytes.Int32(items.Count);
                foreach (var item in items)
                    bytes.Text(Child(item, "Text"));
                return bytes.ToArray();
            case "ListOfString":
                bytes.Byte(12 | Array);
                bytes.Int32(items.Count);
                foreach (var item in items)
                    bytes.String(item.Value);
                return bytes.ToArray();
            case "ListOfExtensionObject":
                bytes.Byte(22 | Array);
                bytes.Int32(items.Count);
                foreach (var item in items)
                    WriteStructure(item.Element(_types + "Body")!.Elements().Single(), bytes, graph);
                return bytes.ToArray();
            default:
                return null;
        }
    }

    private static void WriteStructure(XElement body, UaBytes bytes, NodeGraph graph)
    {
        switch (body.Name.LocalName)
        {
            case "Argument":
                bytes.ExtensionObject(298, argument => WriteArgument(body, argument, graph));
                break;
            case "EnumValueType":
                bytes.ExtensionObject(
                    8251,
                    value =>
                    {
                        value.Int64((long)body.Element(_types + "Value")!);
                        value.Text(Child(body.Element(_types + "DisplayName"), "Text"));
                        value.Text(null);
                    }
                );
                break;
            default:
                throw new NotSupportedException($"No value of '{body.Name.LocalName}' is known.");
        }
    }

    private static void WriteArgument(XElement body, UaBytes bytes, NodeGraph graph)
    {
        bytes.String(Child(body, "Name"));
        bytes.NodeId(NodeSetReader.ParseKey((string)body.Element(_types + "DataType")!.Element(_types + "Identifier")!, graph));
        bytes.Int32((int?)body.Element(_types + "ValueRank") ?? -1);
        var dimensions = body.Element(_types + "ArrayDimensions")?.Elements().Select(element => (uint)element).ToArray();
        bytes.UInt32Array(dimensions is { Length: > 0 } ? dimensions : null);
        bytes.Text(null);
    }

    private static string? Child(XElement? element, string name) => (string?)element?.Element(_types + name);
}
