namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>
/// Keeps what the server instantiates: some types by name, the server object, all reference types, and with each node whatever it cannot be
/// understood without: its type, its supertypes, its members, its data type and that type's fields.
/// </summary>
internal static class NodeSetPruner
{
    public static NodeGraph Prune(NodeGraph all)
    {
        var forward = all.References.ToLookup(reference => reference.Source);
        var supertypes = all
            .References.Where(reference => reference.Type == StandardIds.HasSubtype)
            .ToDictionary(reference => reference.Target, reference => reference.Source);
        var kept = new HashSet<NodeKey>();
        var open = new Stack<NodeKey>();

        foreach (var node in all.Nodes.Values)
        {
            if (node.Class == NodeKind.ReferenceType || node.Key.Namespace != 0)
                open.Push(node.Key);
        }

        foreach (var id in NodeSetSelection.Roots)
            open.Push(new NodeKey(0, id));

        while (open.TryPop(out var key))
        {
            if (!all.Nodes.TryGetValue(key, out var node) || NodeSetSelection.Left.Contains(key))
                continue;
            if ((!node.IsReleased && !NodeSetSelection.Roots.Contains(key.Id)) || !kept.Add(key))
                continue;
            if (supertypes.TryGetValue(key, out var supertype))
                open.Push(supertype);
            if (node.Class is NodeKind.Variable or NodeKind.VariableType)
                open.Push(node.DataType);
            foreach (var field in node.Definition?.Elements(NodeSetReader.Schema + "Field") ?? [])
            {
                if ((string?)field.Attribute("DataType") is { } dataType)
                    open.Push(NodeSetReader.ParseKey(dataType, all));
            }

            foreach (var reference in forward[key])
            {
                if (IsFollowed(reference, all))
                    open.Push(reference.Target);
            }
        }

        var pruned = new NodeGraph();
        foreach (var key in kept)
            pruned.Nodes.Add(key, all.Nodes[key]);
        foreach (var (name, key) in all.Aliases)
            pruned.Aliases.Add(name, key);
        foreach (var reference in all.References)
        {
            if (kept.Contains(reference.Source) && kept.Contains(reference.Target) && kept.Contains(reference.Type))
                pruned.References.Add(reference);
        }

        // The standard leaves it to the server which aggregates its two folders have.
        foreach (var reference in pruned.References.Where(reference => reference.Target == StandardIds.AggregateFunctionType).ToList())
        {
            if (reference.Type != StandardIds.HasTypeDefinition)
                continue;
            foreach (var folder in NodeSetSelection.AggregateFolders)
                pruned.References.Add(new NodeReference(new NodeKey(0, folder), StandardIds.Organizes, reference.Source));
        }

        return pruned;
    }

    private static bool IsFollowed(NodeReference reference, NodeGraph all)
    {
        if (reference.Type == StandardIds.HasEncoding)
            return all.Nodes[reference.Target].BrowseName == "Default Binary";
        return reference.Type == StandardIds.HasTypeDefinition
            || reference.Type == StandardIds.HasModellingRule
            || reference.Type == StandardIds.HasProperty
            || reference.Type == StandardIds.HasComponent
            || reference.Type == StandardIds.HasOrderedComponent;
    }
}
