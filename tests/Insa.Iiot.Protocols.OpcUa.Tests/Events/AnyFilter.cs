using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Tests.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Events;

/// <summary>Makes event filters that are mostly as they should be.</summary>
internal sealed class AnyFilter(Random random)
{
    private static readonly string[] _paths =
    [
        "EventId",
        "EventType",
        "SourceNode",
        "SourceName",
        "Time",
        "Message",
        "Severity",
        "Changes",
        "EnabledState/Id",
        "Quality",
        "Nothing",
        "",
    ];

    private static readonly uint[] _types = [NodeIds.BaseEventType, NodeIds.SystemEventType, NodeIds.AlarmConditionType, NodeIds.Server];

    private static readonly Variant[] _values =
    [
        Variant.Of((ushort)500),
        Variant.Of(500.0),
        Variant.Of("500"),
        Variant.Of("%some_[a-z]%"),
        Variant.Of(true),
        Variant.Of(new LocalizedText("en", "something")),
        Variant.Of(NodeId.Of(NodeIds.SystemEventType)),
        Variant.Of((ExpandedNodeId)NodeId.Of(12)),
        Variant.Of(NodeId.Of(6)),
        Variant.OfDateTime(long.MaxValue),
        Variant.Of(ulong.MaxValue),
        Variant.Of(double.NaN),
        Variant.Of((int[])[1, 2, 3]),
        default,
    ];

    public EventFilter Make()
    {
        var count = random.Next(6);
        return new EventFilter
        {
            SelectClauses = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Attribute())],
            WhereClause = new ContentFilter { Elements = [.. Enumerable.Range(0, count).Select(i => Element(i, count))] },
        };
    }

    private ContentFilterElement Element(int number, int count)
    {
        var filterOperator = (FilterOperator)random.Next(random.Next(20) == 0 ? 30 : 18);
        var operands = filterOperator switch
        {
            FilterOperator.IsNull or FilterOperator.Not or FilterOperator.OfType => 1,
            FilterOperator.Between => 3,
            FilterOperator.InList => random.Next(2, 6),
            _ => 2,
        };
        if (random.Next(20) == 0)
            operands = random.Next(4);
        return Filters.Element(filterOperator, [.. Enumerable.Range(0, operands).Select(_ => Operand(number, count))]);
    }

    private ExtensionObject Operand(int number, int count) =>
        random.Next(10) switch
        {
            0 or 1 or 2 when number + 1 < count => Filters.Result((uint)random.Next(number + 1, count)),
            3 => Filters.Result((uint)random.Next(count + 1)),
            4 or 5 or 6 => Filters.Literal(_values[random.Next(_values.Length)]),
            7 => Filters.Literal(new AnyValue(random.Next()).Variant()),
            _ => new ExtensionObject(Attribute()),
        };

    private SimpleAttributeOperand Attribute() =>
        Filters.Operand(
            _paths[random.Next(_paths.Length)],
            _types[random.Next(random.Next(4) == 0 ? _types.Length : 1)],
            random.Next(10) == 0 ? (uint)random.Next(30) : 13,
            random.Next(10) switch
            {
                0 => "0:2",
                1 => "x",
                _ => null,
            }
        );
}
