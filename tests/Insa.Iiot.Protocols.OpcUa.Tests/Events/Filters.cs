using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Events;

/// <summary>Makes event filters.</summary>
internal static class Filters
{
    /// <summary>A filter that selects the message, and more fields, of events that pass some elements.</summary>
    public static EventFilter Of(string[]? select = null, params ContentFilterElement[] where) =>
        new()
        {
            SelectClauses = [.. (select ?? ["Message"]).Select(path => Operand(path))],
            WhereClause = new ContentFilter { Elements = where },
        };

    /// <summary>A filter of events of some severity and more.</summary>
    public static EventFilter AtLeast(ushort severity, params string[] select) =>
        Of(
            select.Length == 0 ? null : select,
            Element(FilterOperator.GreaterThanOrEqual, Field("Severity"), Literal(Variant.Of(severity)))
        );

    public static ContentFilterElement Element(FilterOperator filterOperator, params ExtensionObject[] operands) =>
        new() { FilterOperator = filterOperator, FilterOperands = operands };

    public static ExtensionObject Literal(Variant value) => new(new LiteralOperand { Value = value });

    public static ExtensionObject Result(uint element) => new(new ElementOperand { Index = element });

    public static ExtensionObject Field(string path) => new(Operand(path));

    /// <param name="path">The browse names with a slash between them; empty for the id of the condition.</param>
    /// <param name="type">The type's id in namespace 0.</param>
    /// <param name="attribute">The attribute.</param>
    /// <param name="range">The index range.</param>
    public static SimpleAttributeOperand Operand(
        string path,
        uint type = NodeIds.BaseEventType,
        uint attribute = 13,
        string? range = null
    ) =>
        new()
        {
            TypeDefinitionId = NodeId.Of(type),
            BrowsePath = path.Length == 0 ? [] : [.. path.Split('/').Select(name => new QualifiedName(0, name))],
            AttributeId = path.Length == 0 && attribute == 13 ? 1 : attribute,
            IndexRange = range,
        };

    /// <summary>Reads a filter as it comes over the wire.</summary>
    public static StatusCode TryRead(EventFilter filter, out EventQuery? query, out EventFilterResult? result)
    {
        var encoded = new ExtensionObject(
            NodeId.Of(EncodingIds.EventFilter),
            ExtensionObjectBody.Binary,
            new ExtensionObject(filter).ToBytes()
        );
        return EventQueryReader.TryRead(encoded, EventTypes.Shared, EncodingLimits.Default, out query, out result);
    }
}
