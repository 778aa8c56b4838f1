using System.Globalization;
using System.Xml.Linq;

namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>Reads a UANodeSet file (OPC 10000-6 Annex F).</summary>
internal static class NodeSetReader
{
    public static readonly XNamespace Schema = "http://opcfoundation.org/UA/2011/03/UANodeSet.xsd";

    /// <summary>Our own types' namespace: index 1 of their file, index 2 of the server, whose index 1 is the application's.</summary>
    private const byte OwnNamespace = 2;

    public static void Read(string path, NodeGraph graph)
    {
        var root = XDocument.Load(path).Root!;
        foreach (var alias in root.Elements(Schema + "Aliases").Elements())
            graph.Aliases[(string)alias.Attribute("Alias")!] = ParseKey(alias.Value, graph);
        foreach (var element in root.Elements())
        {
            if (element.Attribute("NodeId") is { } id)
                ReadNode(element, ParseKey(id.Value, graph), graph);
        }
    }

    public static NodeKey ParseKey(string text, NodeGraph graph)
    {
        text = text.Trim();
        if (graph.Aliases.TryGetValue(text, out var alias))
            return alias;
        var ns = text.StartsWith("ns=1;", StringComparison.Ordinal) ? OwnNamespace : (byte)0;
        var number = ns == 0 ? text : text[5..];
        if (!number.StartsWith("i=", StringComparison.Ordinal))
            throw new FormatException($"'{text}' is no numeric node id.");
        return new NodeKey(ns, uint.Parse(number.AsSpan(2), CultureInfo.InvariantCulture));
    }

    private static void ReadNode(XElement element, NodeKey key, NodeGraph graph)
    {
        var (browseNamespace, browseName) = ParseBrowseName((string)element.Attribute("BrowseName")!);
        var kind = Enum.Parse<NodeKind>(element.Name.LocalName.AsSpan(2));
        graph.Nodes[key] = new SourceNode(key, kind, browseNamespace, browseName, (string)element.Element(Schema + "DisplayName")!)
        {
            IsReleased = element.Attribute("ReleaseStatus") is null,
            IsAbstract = (bool?)element.Attribute("IsAbstract") ?? false,
            IsSymmetric = (bool?)element.Attribute("Symmetric") ?? false,
            IsNotifier = ((int?)element.Attribute("EventNotifier") & 1) == 1,
            InverseName = (string?)element.Element(Schema + "InverseName"),
            DataType = (string?)element.Attribute("DataType") is { } dataType ? ParseKey(dataType, graph) : StandardIds.BaseDataType,
            ValueRank = (sbyte?)(int?)element.Attribute("ValueRank") ?? -1,
            ArrayDimensions = ((string?)element.Attribute("ArrayDimensions"))
                ?.Split(',')
                .Select(text => uint.Parse(text, CultureInfo.InvariantCulture))
                .ToArray(),
            AccessLevel = (byte?)(int?)element.Attribute("AccessLevel") ?? 1,
            MinimumSamplingInterval = (double?)element.Attribute("MinimumSamplingInterval"),
            Value = element.Element(Schema + "Value")?.Elements().SingleOrDefault(),
            Definition = element.Element(Schema + "Definition"),
        };
        foreach (var reference in element.Elements(Schema + "References").Elements())
        {
            var type = ParseKey((string)reference.Attribute("ReferenceType")!, graph);
            var other = ParseKey(reference.Value, graph);
            graph.References.Add(
                (bool?)reference.Attribute("IsForward") ?? true ? new NodeReference(key, type, other) : new NodeReference(other, type, key)
            );
        }
    }

    private static (byte Namespace, string Name) ParseBrowseName(string text) =>
        text.StartsWith("1:", StringComparison.Ordinal) ? (OwnNamespace, text[2..])
        : text.StartsWith("0:", StringComparison.Ordinal) ? ((byte)0, text[2..])
        : ((byte)0, text);
}
