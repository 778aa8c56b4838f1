using System.Globalization;

namespace Insa.Iiot.OpcUa.Generator;

/// <summary>NodeIds.csv: symbol, number, node class.</summary>
internal sealed class NodeIdsCsv
{
    private NodeIdsCsv(IReadOnlyList<(string Symbol, uint Id, string NodeClass)> nodes)
    {
        Nodes = nodes;
        BySymbol = nodes.ToDictionary(node => node.Symbol, node => node.Id, StringComparer.Ordinal);
    }

    public IReadOnlyList<(string Symbol, uint Id, string NodeClass)> Nodes { get; }

    public IReadOnlyDictionary<string, uint> BySymbol { get; }

    public static NodeIdsCsv Read(string path) =>
        new(
            File.ReadLines(path)
                .Select(line => line.Split(','))
                .Where(fields => fields.Length == 3)
                .Select(fields => (fields[0], uint.Parse(fields[1], CultureInfo.InvariantCulture), fields[2].Trim()))
                .DistinctBy(node => node.Item1)
                .ToList()
        );
}
