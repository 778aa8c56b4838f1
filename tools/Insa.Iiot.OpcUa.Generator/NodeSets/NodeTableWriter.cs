using System.Text;

namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>Writes the table that the server's <c>StandardNodes</c> reads: its counterpart says what stands where.</summary>
internal static class NodeTableWriter
{
    public static byte[] Write(NodeGraph graph)
    {
        var nodes = graph.Nodes.Values.OrderBy(node => node.Key).ToList();
        var indexes = nodes.Select((node, index) => (node.Key, index)).ToDictionary(pair => pair.Key, pair => (ushort)pair.index);
        var strings = new Dictionary<string, ushort>();
        using var body = new MemoryStream();
        using (var writer = new BinaryWriter(body, Encoding.UTF8, leaveOpen: true))
        {
            foreach (var node in nodes)
                WriteNode(node, writer, graph, indexes, strings);
            var references = graph
                .References.Select(reference =>
                    (Source: indexes[reference.Source], Type: indexes[reference.Type], Target: indexes[reference.Target])
                )
                .Order()
                .ToList();
            foreach (var reference in references)
            {
                writer.Write(reference.Source);
                writer.Write(reference.Type);
                writer.Write(reference.Target);
            }
        }

        using var table = new MemoryStream();
        using (var writer = new BinaryWriter(table, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write("IUN1"u8);
            writer.Write((ushort)nodes.Count);
            writer.Write((ushort)strings.Count);
            writer.Write(graph.References.Count);
            foreach (var text in strings.OrderBy(pair => pair.Value))
            {
                var bytes = Encoding.UTF8.GetBytes(text.Key);
                writer.Write(checked((byte)bytes.Length));
                writer.Write(bytes);
            }
        }

        body.WriteTo(table);
        return table.ToArray();
    }

    private static void WriteNode(
        SourceNode node,
        BinaryWriter writer,
        NodeGraph graph,
        Dictionary<NodeKey, ushort> indexes,
        Dictionary<string, ushort> strings
    )
    {
        var value = node.Value is { } xml ? ValueWriter.Write(xml, graph) : DefinitionWriter.Write(node, graph);
        writer.Write(node.Key.Namespace);
        writer.Write(node.Key.Id);
        writer.Write((byte)node.Class);
        writer.Write(
            (byte)(
                (node.IsAbstract ? 1 : 0)
                | (node.IsSymmetric ? 2 : 0)
                | (node.IsNotifier ? 4 : 0)
                | (value is not null ? 8 : 0)
                | (node.ArrayDimensions is not null ? 16 : 0)
                | (node.MinimumSamplingInterval is not null ? 32 : 0)
            )
        );
        writer.Write(node.BrowseNamespace);
        writer.Write(StringIndex(node.BrowseName, strings));
        writer.Write(StringIndex(node.DisplayName, strings));
        if (node.Class == NodeKind.ReferenceType)
            writer.Write(StringIndex(node.InverseName ?? "", strings));
        if (node.Class is NodeKind.Variable or NodeKind.VariableType)
        {
            writer.Write(indexes[node.DataType]);
            writer.Write(node.ValueRank);
            writer.Write(node.AccessLevel);
        }

        if (node.ArrayDimensions is { } dimensions)
        {
            writer.Write((byte)dimensions.Length);
            foreach (var dimension in dimensions)
                writer.Write(dimension);
        }

        if (node.MinimumSamplingInterval is { } interval)
            writer.Write(interval);
        if (value is not null)
        {
            writer.Write((ushort)value.Length);
            writer.Write(value);
        }
    }

    private static ushort StringIndex(string text, Dictionary<string, ushort> strings)
    {
        if (strings.TryGetValue(text, out var index))
            return index;
        index = (ushort)strings.Count;
        strings.Add(text, index);
        return index;
    }
}
