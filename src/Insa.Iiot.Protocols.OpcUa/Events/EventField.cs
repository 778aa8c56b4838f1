using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>A field that a client has named (OPC 10000-4 §7.7.4.5). <see langword="default"/> is a field that no event has.</summary>
/// <param name="Type">The index of the type whose events have it.</param>
/// <param name="Path">Its path, as <see cref="UaEvent.Get"/> takes it; empty for the id of the condition.</param>
/// <param name="Range">The part of its value that is asked for.</param>
internal readonly record struct EventField(int Type, string? Path, NumericRange Range)
{
    private const uint LastAttribute = 27;

    /// <summary>Reads what a client has named.</summary>
    /// <returns>Good, or what is wrong with it by the codes of OPC 10000-4 §7.22.3.</returns>
    public static StatusCode TryMake(SimpleAttributeOperand asked, EventTypes types, out EventField field)
    {
        field = default;
        if (!types.TryFind(asked.TypeDefinitionId, out var type))
            return StatusCodes.BadTypeDefinitionInvalid;
        var path = asked.BrowsePath ?? [];
        if (Array.Exists(path, name => string.IsNullOrEmpty(name.Name)))
            return StatusCodes.BadBrowseNameInvalid;
        if (asked.AttributeId is 0 or > LastAttribute)
            return StatusCodes.BadAttributeIdInvalid;
        if (!NumericRange.TryParse(asked.IndexRange, out var range))
            return StatusCodes.BadIndexRangeInvalid;
        return path.Length == 0 ? OfCondition(asked, types, type, range, out field) : OfPath(asked, types, type, range, out field);
    }

    /// <summary>Its value in an event; null if the event does not have it.</summary>
    public Variant Of(UaEvent e, EventTypes types)
    {
        // OPC 10000-4 §7.22.3: of BaseEventType, the path alone counts.
        if (Path is null || (Type != types.Base && !types.Nodes.IsTypeOf(e.Type, Type)))
            return default;
        var value = Path.Length == 0 ? e.ConditionId : e.Get(Path);
        if (Range.IsNone)
            return value;
        return Range.Apply(value, out var part).IsGood ? part : default;
    }

    // OPC 10000-9 §5.5.2: the NodeId of the event itself is that of its condition.
    private static StatusCode OfCondition(
        SimpleAttributeOperand asked,
        EventTypes types,
        int type,
        in NumericRange range,
        out EventField field
    )
    {
        field = new EventField(type, "", range);
        if (asked.AttributeId != (uint)AddressSpace.AttributeId.NodeId || !types.AreRelated(type, types.Condition))
            return StatusCodes.BadAttributeIdInvalid;
        return range.IsNone ? StatusCodes.Good : StatusCodes.BadTypeMismatch;
    }

    private static StatusCode OfPath(SimpleAttributeOperand asked, EventTypes types, int type, in NumericRange range, out EventField field)
    {
        field = default;
        var names = asked.BrowsePath!;
        if (Array.Exists(names, name => name.NamespaceIndex != 0 || name.Name!.Contains('/', StringComparison.Ordinal)))
            return StatusCodes.BadNodeIdUnknown;
        var path = names.Length == 1 ? names[0].Name! : string.Join('/', names.Select(name => name.Name));
        if (!types.TryFindField(type, path, out var node))
            return StatusCodes.BadNodeIdUnknown;
        ref readonly var declared = ref types.Nodes[node];
        if (declared.Class != NodeClass.Variable || asked.AttributeId != (uint)AddressSpace.AttributeId.Value)
            return StatusCodes.BadAttributeIdInvalid;
        if (!range.IsNone && declared.ValueRank == -1 && !HasParts(types.Nodes, declared.DataType))
            return StatusCodes.BadTypeMismatch;
        field = new EventField(type, path, range);
        return StatusCodes.Good;
    }

    private static bool HasParts(StandardNodes nodes, int dataType) =>
        nodes.IsTypeOf(dataType, nodes.IndexOf(NodeIds.String)) || nodes.IsTypeOf(dataType, nodes.IndexOf(NodeIds.ByteString));
}
