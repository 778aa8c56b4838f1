namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>Makes the server's table of standard nodes from the standard's node set and our own.</summary>
internal static class NodeSetCommand
{
    public static int Run(string[] paths)
    {
        if (paths.Length != 3)
        {
            Console.Error.WriteLine("usage: nodeset <Opc.Ua.NodeSet2.xml> <own NodeSet2.xml> <StandardNodes.bin>");
            return 2;
        }

        var all = new NodeGraph();
        NodeSetReader.Read(paths[0], all);
        NodeSetReader.Read(paths[1], all);
        var kept = NodeSetPruner.Prune(all);
        var bytes = NodeTableWriter.Write(kept);
        File.WriteAllBytes(paths[2], bytes);
        Console.WriteLine($"{kept.Nodes.Count} of {all.Nodes.Count} nodes, {kept.References.Count} references, {bytes.Length} bytes.");
        foreach (var group in kept.Nodes.Values.GroupBy(node => node.Class).OrderBy(group => group.Key))
            Console.WriteLine($"  {group.Key}: {group.Count()}");
        return 0;
    }
}
