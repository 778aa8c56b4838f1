using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>Reads event filters (OPC 10000-4 §7.22.3).</summary>
internal static class EventQueryReader
{
    /// <summary>How many fields a filter may select (OPC 10000-5 §6.3.2).</summary>
    public const int MaxSelectClauses = 200;

    /// <summary>How many operands the elements of a where clause may have together (OPC 10000-5 §6.3.2).</summary>
    public const int MaxWhereOperands = 200;

    /// <summary>Reads a filter.</summary>
    /// <param name="filter">The filter.</param>
    /// <param name="types">The types of events.</param>
    /// <param name="limits">What its decoder may take.</param>
    /// <param name="query">What it asks for.</param>
    /// <param name="result">What is wrong with it, clause by clause; <see langword="null"/> if nothing is.</param>
    /// <returns>Good, also if it selects fields that no event has as long as there are others: they are null then.</returns>
    public static StatusCode TryRead(
        in ExtensionObject filter,
        EventTypes types,
        EncodingLimits limits,
        out EventQuery? query,
        out EventFilterResult? result
    )
    {
        (query, result) = (null, null);
        if (filter.IsNull)
            return StatusCodes.BadEventFilterInvalid;
        if (!filter.TypeId.Is(EncodingIds.EventFilter))
            return IsOfValues(filter) ? StatusCodes.BadFilterNotAllowed : StatusCodes.BadMonitoredItemFilterUnsupported;
        if (!filter.TryGet<EventFilter>(limits, out var asked))
            return StatusCodes.BadEventFilterInvalid;

        var select = asked.SelectClauses ?? [];
        var fields = new EventField[select.Length];
        var selected = new StatusCode[select.Length];
        for (var i = 0; i < select.Length; i++)
            selected[i] = i < MaxSelectClauses ? EventField.TryMake(select[i], types, out fields[i]) : StatusCodes.BadTooManyOperations;
        var isGood = WhereReader.TryRead(asked.WhereClause.Elements ?? [], types, limits, out var where, out var elements);
        if (!isGood || !Array.TrueForAll(selected, status => status.IsGood))
        {
            result = new EventFilterResult
            {
                SelectClauseResults = selected,
                WhereClauseResult = new ContentFilterResult { ElementResults = elements },
            };
        }

        if (!isGood || select.Length > MaxSelectClauses || !Array.Exists(selected, status => status.IsGood))
            return StatusCodes.BadEventFilterInvalid;
        query = new EventQuery(types, fields, where, filter.Bytes?.Length ?? filter.ToBytes().Length);
        return StatusCodes.Good;
    }

    private static bool IsOfValues(in ExtensionObject filter) =>
        filter.TypeId.Is(EncodingIds.DataChangeFilter) || filter.TypeId.Is(EncodingIds.AggregateFilter);
}
