using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Time.Testing;
using static Insa.Iiot.Protocols.OpcUa.Tests.Events.Filters;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Events;

/// <summary>What is told of filters that are not as they should be.</summary>
public sealed class EventFilterTests
{
    public static TheoryData<string, uint, uint, string?, uint> Clauses =>
        new()
        {
            { "EventId", NodeIds.BaseEventType, 13, null, 0 },
            { "EventId", NodeIds.BaseEventType, 13, "0:3", 0 },
            { "Changes", NodeIds.GeneralModelChangeEventType, 13, "0", 0 },
            { "Changes", NodeIds.BaseEventType, 13, null, 0 },
            { "Message", NodeIds.AlarmConditionType, 13, null, 0 },
            { "AckedState/Id", NodeIds.AlarmConditionType, 13, null, 0 },
            { "AckedState/Id", NodeIds.BaseEventType, 13, null, 0 },
            { "", NodeIds.ConditionType, 1, null, 0 },
            { "Message", NodeIds.Server, 13, null, StatusCodes.BadTypeDefinitionInvalid.Value },
            { "Message", 0, 13, null, StatusCodes.BadTypeDefinitionInvalid.Value },
            { "Message", NodeIds.BaseObjectType, 13, null, StatusCodes.BadTypeDefinitionInvalid.Value },
            { "None", NodeIds.BaseEventType, 13, null, StatusCodes.BadNodeIdUnknown.Value },
            { "Changes", NodeIds.AlarmConditionType, 13, null, StatusCodes.BadNodeIdUnknown.Value },
            { "Message/", NodeIds.BaseEventType, 13, null, StatusCodes.BadBrowseNameInvalid.Value },
            { "Message", NodeIds.BaseEventType, 4, null, StatusCodes.BadAttributeIdInvalid.Value },
            { "Message", NodeIds.BaseEventType, 0, null, StatusCodes.BadAttributeIdInvalid.Value },
            { "Message", NodeIds.BaseEventType, 28, null, StatusCodes.BadAttributeIdInvalid.Value },
            { "", NodeIds.SystemEventType, 1, null, StatusCodes.BadAttributeIdInvalid.Value },
            { "Message", NodeIds.BaseEventType, 13, "3:1", StatusCodes.BadIndexRangeInvalid.Value },
            { "Severity", NodeIds.BaseEventType, 13, "0", StatusCodes.BadTypeMismatch.Value },
        };

    [Theory]
    [MemberData(nameof(Clauses))]
    public void A_select_clause_gets_the_code_of_what_is_wrong_with_it(string path, uint type, uint attribute, string? range, uint expected)
    {
        var filter = Select(Operand("Message"), Operand(path, type, attribute, range));
        Assert.Equal(StatusCodes.Good, TryRead(filter, out var query, out var result));
        Assert.Equal(2, query!.FieldCount);
        if (expected == 0)
            Assert.Null(result);
        else
            Assert.Equal([default, new StatusCode(expected)], result!.SelectClauseResults!);
    }

    [Fact]
    public void A_filter_that_selects_nothing_that_there_is_is_refused()
    {
        Assert.Equal(StatusCodes.BadEventFilterInvalid, TryRead(Select(Operand("None")), out _, out var result));
        Assert.Equal([StatusCodes.BadNodeIdUnknown], result!.SelectClauseResults!);
        Assert.Equal(StatusCodes.BadEventFilterInvalid, TryRead(Select(), out _, out _));
    }

    public static TheoryData<string, uint, uint> Elements =>
        new()
        {
            { "operator", StatusCodes.BadFilterOperatorInvalid.Value, 0 },
            { "view", StatusCodes.BadFilterOperatorUnsupported.Value, 0 },
            { "related", StatusCodes.BadFilterOperatorUnsupported.Value, 0 },
            { "few", StatusCodes.BadFilterOperandCountMismatch.Value, 0 },
            { "many", StatusCodes.BadFilterOperandCountMismatch.Value, 0 },
            { "none", StatusCodes.BadFilterOperandCountMismatch.Value, 0 },
            { "list", StatusCodes.BadFilterOperandCountMismatch.Value, 0 },
            { "itself", StatusCodes.BadFilterElementInvalid.Value, StatusCodes.BadFilterElementInvalid.Value },
            { "beyond", StatusCodes.BadFilterElementInvalid.Value, StatusCodes.BadFilterElementInvalid.Value },
            { "attribute", StatusCodes.BadFilterOperandInvalid.Value, StatusCodes.BadFilterOperandInvalid.Value },
            { "null", StatusCodes.BadFilterOperandInvalid.Value, StatusCodes.BadFilterOperandInvalid.Value },
            { "broken", StatusCodes.BadFilterOperandInvalid.Value, StatusCodes.BadFilterOperandInvalid.Value },
            { "field", StatusCodes.BadFilterOperandInvalid.Value, StatusCodes.BadNodeIdUnknown.Value },
            { "type", StatusCodes.BadFilterOperandInvalid.Value, StatusCodes.BadTypeDefinitionInvalid.Value },
            { "no type", StatusCodes.BadFilterOperandInvalid.Value, StatusCodes.BadFilterLiteralInvalid.Value },
        };

    [Theory]
    [MemberData(nameof(Elements))]
    public void An_element_gets_the_code_of_what_is_wrong_with_it(string wrong, uint expected, uint operand)
    {
        var (five, severity) = (Literal(Variant.Of(5)), Field("Severity"));
        var element = wrong switch
        {
            "operator" => Element((FilterOperator)18, five, five),
            "view" => Element(FilterOperator.InView, five, five),
            "related" => Element(FilterOperator.RelatedTo, five, five, five, five, five, five),
            "few" => Element(FilterOperator.Equals, five),
            "many" => Element(FilterOperator.Not, five, five),
            "none" => Element(FilterOperator.IsNull),
            "list" => Element(FilterOperator.InList, severity),
            "itself" => Element(FilterOperator.Not, Result(0)),
            "beyond" => Element(FilterOperator.Not, Result(2)),
            "attribute" => Element(
                FilterOperator.IsNull,
                new ExtensionObject(new AttributeOperand { BrowsePath = new RelativePath(), NodeId = NodeId.Of(NodeIds.BaseEventType) })
            ),
            "null" => Element(FilterOperator.IsNull, default(ExtensionObject)),
            "broken" => Element(
                FilterOperator.IsNull,
                new ExtensionObject(NodeId.Of(EncodingIds.LiteralOperand), ExtensionObjectBody.Binary, [0x8C, 1])
            ),
            "field" => Element(FilterOperator.IsNull, Field("None")),
            "type" => Element(FilterOperator.OfType, Literal(Variant.Of(NodeId.Of(NodeIds.Server)))),
            _ => Element(FilterOperator.OfType, five),
        };
        var fine = Element(FilterOperator.Equals, severity, five);
        Assert.Equal(StatusCodes.BadEventFilterInvalid, TryRead(Filters.Of(null, element, fine), out _, out var result));
        Assert.Equal([StatusCodes.Good], result!.SelectClauseResults!);
        var results = result.WhereClauseResult.ElementResults!;
        Assert.Equal([new StatusCode(expected), StatusCodes.Good], results.Select(each => each.StatusCode));
        if (operand != 0)
            Assert.Equal([new StatusCode(operand)], results[0].OperandStatusCodes!);
        Assert.Equal([StatusCodes.Good, StatusCodes.Good], results[1].OperandStatusCodes!);
    }

    [Fact]
    public void There_are_as_many_clauses_and_operands_as_the_server_says()
    {
        var most = Enumerable.Repeat(Operand("Message"), EventQueryReader.MaxSelectClauses).ToArray();
        Assert.Equal(StatusCodes.Good, TryRead(Select(most), out _, out _));
        Assert.Equal(StatusCodes.BadEventFilterInvalid, TryRead(Select([.. most, most[0]]), out _, out var result));
        Assert.Equal(StatusCodes.BadTooManyOperations, result!.SelectClauseResults![^1]);

        var element = Element(FilterOperator.IsNull, Field("Severity"));
        var elements = Enumerable.Repeat(element, EventQueryReader.MaxWhereOperands).ToArray();
        Assert.Equal(StatusCodes.Good, TryRead(Filters.Of(null, elements), out _, out _));
        Assert.Equal(StatusCodes.BadEventFilterInvalid, TryRead(Filters.Of(null, [.. elements, element]), out _, out result));
        Assert.Equal(StatusCodes.BadTooManyOperations, result!.WhereClauseResult.ElementResults![^1].StatusCode);
    }

    [Fact]
    public void An_element_that_others_refer_to_often_is_worked_out_once()
    {
        // Each refers to the next one twice: worked out anew for each reference, this would take for ever.
        const int count = 90;
        var elements = Enumerable
            .Range(0, count)
            .Select(i =>
                i == count - 1
                    ? Element(FilterOperator.IsNull, Field("Severity"))
                    : Element(FilterOperator.Or, Result((uint)i + 1), Result((uint)i + 1))
            )
            .ToArray();
        Assert.Equal(StatusCodes.Good, TryRead(Filters.Of(null, elements), out var query, out _));
        Assert.False(query!.Passes(MakeEvent()));
    }

    [Fact]
    public void To_look_at_an_event_costs_no_memory()
    {
        var filter = Filters.Of(
            null,
            Element(FilterOperator.And, Result(1), Result(2)),
            Element(FilterOperator.Or, Result(3), Result(4)),
            Element(FilterOperator.GreaterThan, Field("Severity"), Literal(Variant.Of("300"))),
            Element(FilterOperator.Like, Field("Message"), Literal(Variant.Of("%h[oa]t%"))),
            Element(FilterOperator.Equals, Field("SourceNode"), Literal(Variant.Of(NodeId.Of(NodeIds.Server)))),
            Element(FilterOperator.OfType, Literal(Variant.Of(NodeId.Of(NodeIds.SystemEventType))))
        );
        Assert.Equal(StatusCodes.Good, TryRead(filter, out var query, out _));
        var e = MakeEvent();
        Assert.True(query!.Passes(e));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            query.Passes(e);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Fields_come_as_they_are_selected()
    {
        var filter = Select(
            Operand("Message"),
            Operand("EventId", range: "0:3"),
            Operand("Severity", NodeIds.SystemEventType),
            Operand("Severity", NodeIds.DeviceFailureEventType),
            Operand("Retain"),
            Operand("EventType")
        );
        Assert.Equal(StatusCodes.Good, TryRead(filter, out var query, out _));
        var e = MakeEvent();
        var fields = Enumerable.Range(0, query!.FieldCount).Select(i => query.FieldOf(e, i)).ToArray();
        Assert.Equal(new LocalizedText(null, "hot"), fields[0].Reference);
        Assert.Equal(e.Id[..4].ToArray(), fields[1].Reference);
        Assert.Equal([Variant.Of((ushort)700), default, default, Variant.Of(NodeId.Of(NodeIds.SystemEventType))], fields[2..]);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1001, 1000)]
    [InlineData(700, 700)]
    public void A_severity_is_between_1_and_1000(ushort severity, ushort expected)
    {
        var maker = new EventMaker(StandardNodes.Shared, new FakeTimeProvider());
        Assert.Equal(Variant.Of(expected), new UaEvent(maker.OfServer(NodeIds.SystemEventType, "", severity)).Get("Severity"));
    }

    private static EventFilter Select(params SimpleAttributeOperand[] clauses) =>
        new() { SelectClauses = clauses, WhereClause = new ContentFilter() };

    private static UaEvent MakeEvent() =>
        new(new EventMaker(StandardNodes.Shared, new FakeTimeProvider()).OfServer(NodeIds.SystemEventType, "hot", 700));
}
