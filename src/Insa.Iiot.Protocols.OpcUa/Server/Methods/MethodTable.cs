using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Methods;

/// <summary>Which method is carried out by whom, and what arguments it takes.</summary>
internal sealed class MethodTable
{
    private readonly StandardNodes _nodes;
    private readonly Dictionary<int, Method> _methods = [];

    public MethodTable(StandardNodes nodes, IEnumerable<IMethodModule> modules)
    {
        _nodes = nodes;
        foreach (var module in modules)
            module.Register(this);
    }

    /// <summary>Adds a method.</summary>
    /// <param name="id">Its node in the table of standard nodes.</param>
    /// <param name="ns">That id's namespace.</param>
    /// <param name="handler">Carries it out.</param>
    public void Add(uint id, ushort ns, MethodHandler handler)
    {
        var index = _nodes.IndexOf(id, ns);
        _methods.Add(index, new Method(handler, ReadInputs(index), IsOfConditions: false));
    }

    /// <summary>Adds a method of a condition type in namespace 0: its handler finds what it is called on, which may be no node (OPC 10000-9 §5.5.2).</summary>
    public void AddOfConditions(uint id, MethodHandler handler)
    {
        var index = _nodes.IndexOf(id);
        _methods.Add(index, new Method(handler, ReadInputs(index), IsOfConditions: true));
    }

    /// <summary>Finds a method of conditions.</summary>
    public bool TryFindOfConditions(NodeId id, out Method method)
    {
        method = null!;
        return id is { Type: NodeIdType.Numeric, NamespaceIndex: 0 }
            && _nodes.TryFind(0, id.Numeric, out var index)
            && _methods.TryGetValue(index, out method!)
            && method.IsOfConditions;
    }

    public bool TryFind(int index, out Method method) => _methods.TryGetValue(index, out method!);

    private Argument[] ReadInputs(int method)
    {
        foreach (var reference in _nodes.ReferencesOf(method))
        {
            if (!reference.IsForward || !_nodes.BrowseNameOf(reference.Target).SequenceEqual("InputArguments"u8))
                continue;
            var reader = new UaReader(_nodes.ValueOf(reference.Target), EncodingLimits.Default);
            var arguments = (ExtensionObject[])reader.Variant().Elements!;
            return Array.ConvertAll(
                arguments,
                argument => argument.TryGet<Argument>(EncodingLimits.Default, out var found) ? found : throw new InvalidDataException()
            );
        }

        return [];
    }

    internal sealed record Method(MethodHandler Handler, Argument[] Inputs, bool IsOfConditions);
}
