using System.Globalization;
using System.Text;

namespace Insa.Iiot.OpcUa.Generator;

/// <summary>Makes NodeIds.g.cs: the numbers, in namespace 0, of all types and of the instances in <see cref="TypeList"/>.</summary>
internal static class NodeIdsFile
{
    public static string Make(NodeIdsCsv ids)
    {
        var file = new StringBuilder(GeneratedFile.Header("Types"));
        file.Append("/// <summary>Numbers of nodes in namespace 0.</summary>\ninternal static class NodeIds\n{\n");
        foreach (var (symbol, id, _) in ids.Nodes.Where(Wanted))
            file.Append(CultureInfo.InvariantCulture, $"    public const uint {symbol} = {id};\n");
        return file.Append("}\n").ToString();
    }

    private static bool Wanted((string Symbol, uint Id, string NodeClass) node) =>
        node.NodeClass switch
        {
            "DataType" or "ReferenceType" or "ObjectType" or "VariableType" => true,
            _ => TypeList.InstancePrefixes.Any(prefix =>
                node.Symbol == prefix || node.Symbol.StartsWith(prefix.EndsWith('_') ? prefix : prefix + "_", StringComparison.Ordinal)
            ),
        };
}
