using System.Globalization;
using System.Xml.Linq;

namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>Turns the definition of a data type into the bytes of a variant with a StructureDefinition or an EnumDefinition (OPC 10000-3 §8.48 ff).</summary>
internal static class DefinitionWriter
{
    private const byte ExtensionObject = 22;

    /// <returns><see langword="null"/> if the type has none.</returns>
    public static byte[]? Write(SourceNode node, NodeGraph graph)
    {
        if (node.Definition is not { } definition)
            return null;
        var bytes = new UaBytes();
        bytes.Byte(ExtensionObject);
        if (definition.Elements().Any(field => field.Attribute("Value") is not null))
            bytes.ExtensionObject(123, body => WriteEnumeration(definition, body));
        else
            bytes.ExtensionObject(122, body => WriteStructure(node, body, graph));
        return bytes.ToArray();
    }

    private static void WriteEnumeration(XElement definition, UaBytes bytes)
    {
        var fields = definition.Elements().ToList();
        bytes.Int32(fields.Count);
        foreach (var field in fields)
        {
            var name = (string)field.Attribute("Name")!;
            bytes.Int64(long.Parse((string)field.Attribute("Value")!, CultureInfo.InvariantCulture));
            bytes.Text((string?)field.Element(NodeSetReader.Schema + "DisplayName") ?? name);
            bytes.Text(null);
            bytes.String(name);
        }
    }

    private static void WriteStructure(SourceNode node, UaBytes bytes, NodeGraph graph)
    {
        var encoding = graph.References.FirstOrDefault(reference =>
            reference.Source == node.Key
            && reference.Type == StandardIds.HasEncoding
            && graph.Nodes[reference.Target].BrowseName == "Default Binary"
        );
        var fields = Fields(node, graph).ToList();
        bytes.NodeId(encoding.Target);
        bytes.NodeId(graph.SupertypeOf(node.Key) ?? StandardIds.Structure);
        bytes.Int32(
            (bool?)node.Definition!.Attribute("IsUnion") == true ? 2
            : fields.Any(field => (bool?)field.Attribute("IsOptional") == true) ? 1
            : 0
        );
        bytes.Int32(fields.Count);
        foreach (var field in fields)
        {
            bytes.String((string)field.Attribute("Name")!);
            bytes.Text(null);
            bytes.NodeId(
                (string?)field.Attribute("DataType") is { } dataType ? NodeSetReader.ParseKey(dataType, graph) : StandardIds.BaseDataType
            );
            bytes.Int32((int?)field.Attribute("ValueRank") ?? -1);
            var dimensions = (string?)field.Attribute("ArrayDimensions");
            bytes.UInt32Array(dimensions?.Split(',').Select(text => uint.Parse(text, CultureInfo.InvariantCulture)).ToArray());
            bytes.UInt32((uint?)field.Attribute("MaxStringLength") ?? 0);
            bytes.Boolean((bool?)field.Attribute("IsOptional") ?? false);
        }
    }

    // The attribute lists the fields of the supertypes too, first; the file does not.
    private static IEnumerable<XElement> Fields(SourceNode node, NodeGraph graph)
    {
        var inherited =
            graph.SupertypeOf(node.Key) is { } supertype && graph.Nodes.TryGetValue(supertype, out var parent) ? Fields(parent, graph) : [];
        return inherited.Concat(node.Definition?.Elements() ?? []);
    }
}
