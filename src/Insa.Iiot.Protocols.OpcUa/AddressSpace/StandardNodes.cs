using System.Buffers.Binary;
using System.Collections.Frozen;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>
/// Namespace 0 as far as this server needs it, and our types: one table for all tenants, made by the project's generator and read once. Nodes are
/// named by their index in it.
/// </summary>
internal sealed class StandardNodes
{
    /// <summary>The namespace of our types.</summary>
    public const ushort TypesNamespace = 2;

    private const ushort NoNode = ushort.MaxValue;
    private static readonly Lazy<StandardNodes> _shared = new(Load);

    private readonly byte[] _table;
    private readonly (int Offset, byte Length)[] _texts;
    private readonly StandardNode[] _nodes;
    private readonly ushort[] _indexes;
    private readonly ushort[] _typeIndexes;
    private readonly FrozenDictionary<uint, ushort> _farIndexes;
    private readonly int[] _firstReferences;
    private readonly StandardReference[] _references;
    private readonly ushort[] _supertypes;

    private StandardNodes(byte[] table)
    {
        _table = table;
        var reader = new TableReader(table);
        if (reader.UInt32() != BinaryPrimitives.ReadUInt32LittleEndian("IUN1"u8))
            throw new InvalidDataException("The table of standard nodes is of another version.");
        _nodes = new StandardNode[reader.UInt16()];
        _texts = new (int, byte)[reader.UInt16()];
        var references = new (ushort Source, ushort Type, ushort Target)[reader.Int32()];
        for (var i = 0; i < _texts.Length; i++)
        {
            var length = reader.Byte();
            _texts[i] = (reader.Skip(length), length);
        }

        for (var i = 0; i < _nodes.Length; i++)
            _nodes[i] = ReadNode(ref reader);
        for (var i = 0; i < references.Length; i++)
            references[i] = (reader.UInt16(), reader.UInt16(), reader.UInt16());

        (_indexes, _typeIndexes, _farIndexes) = IndexById(_nodes);
        (_firstReferences, _references) = Arrange(references, _nodes.Length);
        _supertypes = new ushort[_nodes.Length];
        Array.Fill(_supertypes, NoNode);
        var hasSubtype = IndexOf(NodeIds.HasSubtype);
        foreach (var (source, type, target) in references)
        {
            if (type == hasSubtype)
                _supertypes[target] = source;
        }
    }

    /// <summary>The one table of the process.</summary>
    public static StandardNodes Shared => _shared.Value;

    public int Count => _nodes.Length;

    public ref readonly StandardNode this[int index] => ref _nodes[index];

    /// <summary>Finds a node.</summary>
    /// <returns><see langword="false"/> if it is of another namespace, or there is none of that id.</returns>
    public bool TryFind(ushort ns, uint id, out int index)
    {
        var near = ns switch
        {
            0 => _indexes,
            TypesNamespace => _typeIndexes,
            _ => [],
        };
        ushort found = NoNode;
        if (id < near.Length)
            found = near[id];
        else if (ns == 0 && _farIndexes.TryGetValue(id, out var far))
            found = far;
        index = found;
        return found != NoNode;
    }

    /// <summary>The index of a node that the table has for certain.</summary>
    public int IndexOf(uint id, ushort ns = 0) =>
        TryFind(ns, id, out var index) ? index : throw new InvalidOperationException($"The table of standard nodes lacks ns={ns};i={id}.");

    /// <summary>A string of the table in UTF-8.</summary>
    public ReadOnlySpan<byte> TextOf(int text) => _table.AsSpan(_texts[text].Offset, _texts[text].Length);

    /// <summary>The browse name without its namespace, in UTF-8.</summary>
    public ReadOnlySpan<byte> BrowseNameOf(int index) => TextOf(_nodes[index].BrowseName);

    /// <summary>The references of a node in both directions, those that it is the source of first.</summary>
    public ReadOnlySpan<StandardReference> ReferencesOf(int index) =>
        _references.AsSpan(_firstReferences[index], _firstReferences[index + 1] - _firstReferences[index]);

    /// <summary>The encoded variant of a value or definition; empty if the node has none.</summary>
    public ReadOnlySpan<byte> ValueOf(int index) => _table.AsSpan(_nodes[index].Value, _nodes[index].ValueLength);

    /// <returns><see langword="null"/> if the node says none.</returns>
    public uint[]? ArrayDimensionsOf(int index)
    {
        var offset = _nodes[index].ArrayDimensions;
        if (offset == 0)
            return null;
        var dimensions = new uint[_table[offset]];
        for (var i = 0; i < dimensions.Length; i++)
            dimensions[i] = BinaryPrimitives.ReadUInt32LittleEndian(_table.AsSpan(offset + 1 + (i * sizeof(uint))));
        return dimensions;
    }

    /// <summary>Whether a type is another one, or derived from it.</summary>
    public bool IsTypeOf(int type, int ancestor)
    {
        for (var current = type; current != NoNode; current = _supertypes[current])
        {
            if (current == ancestor)
                return true;
        }

        return false;
    }

    private static StandardNodes Load()
    {
        using var resource = typeof(StandardNodes).Assembly.GetManifestResourceStream("Insa.Iiot.Protocols.OpcUa.StandardNodes.bin")!;
        var table = new byte[resource.Length];
        resource.ReadExactly(table);
        return new StandardNodes(table);
    }

    private static StandardNode ReadNode(ref TableReader reader)
    {
        var node = new StandardNode
        {
            Namespace = reader.Byte(),
            Id = reader.UInt32(),
            Class = (NodeClass)reader.Byte(),
            Flags = (StandardNodeFlags)reader.Byte(),
            BrowseNamespace = reader.Byte(),
            BrowseName = reader.UInt16(),
            DisplayName = reader.UInt16(),
            MinimumSamplingInterval = -1,
        };
        if (node.Class == NodeClass.ReferenceType)
            node = node with { InverseName = reader.UInt16() };
        if (node.Class is NodeClass.Variable or NodeClass.VariableType)
        {
            node = node with { DataType = reader.UInt16(), ValueRank = (sbyte)reader.Byte(), AccessLevel = (AccessLevels)reader.Byte() };
        }

        if ((node.Flags & StandardNodeFlags.HasArrayDimensions) != StandardNodeFlags.None)
        {
            node = node with { ArrayDimensions = reader.Offset };
            reader.Skip(reader.Byte() * sizeof(uint));
        }

        if ((node.Flags & StandardNodeFlags.HasMinimumSamplingInterval) != StandardNodeFlags.None)
            node = node with { MinimumSamplingInterval = reader.Double() };
        if ((node.Flags & StandardNodeFlags.HasValue) == StandardNodeFlags.None)
            return node;
        var length = reader.UInt16();
        return node with { ValueLength = length, Value = reader.Skip(length) };
    }

    private static (ushort[] Near, ushort[] Types, FrozenDictionary<uint, ushort> Far) IndexById(StandardNode[] nodes)
    {
        const int near = 16 * 1024;
        var indexes = new ushort[near];
        var types = new ushort[nodes.Where(node => node.Namespace == TypesNamespace).Max(node => node.Id) + 1];
        var far = new Dictionary<uint, ushort>();
        Array.Fill(indexes, NoNode);
        Array.Fill(types, NoNode);
        for (var i = 0; i < nodes.Length; i++)
        {
            var id = nodes[i].Id;
            if (nodes[i].Namespace == TypesNamespace)
                types[id] = (ushort)i;
            else if (id < near)
                indexes[id] = (ushort)i;
            else
                far.Add(id, (ushort)i);
        }

        return (indexes, types, far.ToFrozenDictionary());
    }

    // Each node's references side by side: the forward ones as they come in the table, then the inverse ones.
    private static (int[] First, StandardReference[] All) Arrange((ushort Source, ushort Type, ushort Target)[] references, int nodes)
    {
        var first = new int[nodes + 1];
        foreach (var (source, _, target) in references)
        {
            first[source + 1]++;
            first[target + 1]++;
        }

        for (var i = 0; i < nodes; i++)
            first[i + 1] += first[i];
        var next = first.AsSpan(0, nodes).ToArray();
        var all = new StandardReference[references.Length * 2];
        foreach (var (source, type, target) in references)
            all[next[source]++] = new StandardReference(type, target, IsForward: true);
        foreach (var (source, type, target) in references)
            all[next[target]++] = new StandardReference(type, source, IsForward: false);
        return (first, all);
    }
}
