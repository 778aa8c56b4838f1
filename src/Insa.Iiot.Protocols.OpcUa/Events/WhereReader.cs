using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>Reads and checks where clauses (OPC 10000-4 §7.7).</summary>
internal static class WhereReader
{
    private const uint CastTarget = 1;
    private const uint LikeText = 1;

    /// <summary>Reads a where clause.</summary>
    /// <param name="asked">Its elements; none for all events.</param>
    /// <param name="types">The types of events.</param>
    /// <param name="limits">What the decoder of operands may take.</param>
    /// <param name="where">The clause; <see langword="null"/> if it has no elements.</param>
    /// <param name="results">What is to be said of each element.</param>
    /// <returns>Whether all of it is as it should be.</returns>
    public static bool TryRead(
        ContentFilterElement[] asked,
        EventTypes types,
        EncodingLimits limits,
        out WhereClause? where,
        out ContentFilterElementResult[] results
    )
    {
        where = null;
        var elements = new WhereElement[asked.Length];
        results = new ContentFilterElementResult[asked.Length];
        var isGood = true;
        var operandCount = 0;
        for (var i = 0; i < asked.Length; i++)
        {
            var operands = asked[i].FilterOperands ?? [];
            operandCount += Math.Max(operands.Length, 1);
            results[i] =
                operandCount > EventQueryReader.MaxWhereOperands
                    ? new ContentFilterElementResult { StatusCode = StatusCodes.BadTooManyOperations }
                    : Read(asked[i].FilterOperator, operands, (i, asked.Length), types, limits, out elements[i]);
            isGood &= results[i].StatusCode.IsGood;
        }

        if (isGood && asked.Length > 0)
            where = new WhereClause(elements, types);
        return isGood;
    }

    private static ContentFilterElementResult Read(
        FilterOperator filterOperator,
        ExtensionObject[] operands,
        (int Number, int Count) place,
        EventTypes types,
        EncodingLimits limits,
        out WhereElement element
    )
    {
        var made = new WhereOperand[operands.Length];
        element = new WhereElement(filterOperator, made);
        var status = CheckOperator(filterOperator, operands.Length);
        if (!status.IsGood)
            return new ContentFilterElementResult { StatusCode = status };
        var statuses = new StatusCode[operands.Length];
        for (var i = 0; i < operands.Length; i++)
        {
            statuses[i] = ReadOperand(operands[i], place, types, limits, out made[i]);
            if (statuses[i].IsGood)
                statuses[i] = CheckLiteral(filterOperator, (uint)i, types, ref made[i]);
            if (!statuses[i].IsGood)
                status = statuses[i] == StatusCodes.BadFilterElementInvalid ? statuses[i] : StatusCodes.BadFilterOperandInvalid;
        }

        return new ContentFilterElementResult { StatusCode = status, OperandStatusCodes = statuses };
    }

    private static StatusCode CheckOperator(FilterOperator filterOperator, int operands)
    {
        var (least, most) = filterOperator switch
        {
            FilterOperator.IsNull or FilterOperator.Not or FilterOperator.OfType => (1, 1),
            FilterOperator.Between => (3, 3),
            FilterOperator.InList => (2, int.MaxValue),
            >= FilterOperator.Equals and <= FilterOperator.BitwiseOr => (2, 2),
            _ => (-1, -1),
        };
        if (least < 0)
            return StatusCodes.BadFilterOperatorInvalid;

        // OPC 10000-4 §7.7.3: these two are for queries.
        if (filterOperator is FilterOperator.InView or FilterOperator.RelatedTo)
            return StatusCodes.BadFilterOperatorUnsupported;
        return operands >= least && operands <= most ? StatusCodes.Good : StatusCodes.BadFilterOperandCountMismatch;
    }

    private static StatusCode ReadOperand(
        in ExtensionObject asked,
        (int Number, int Count) place,
        EventTypes types,
        EncodingLimits limits,
        out WhereOperand operand
    )
    {
        operand = new WhereOperand(-1, null, default);
        if (asked.TryGet<ElementOperand>(limits, out var element))
        {
            // OPC 10000-4 §7.7.4.2: only to later elements, so there are no circles.
            if (element.Index <= place.Number || element.Index >= place.Count)
                return StatusCodes.BadFilterElementInvalid;
            operand = operand with { Element = (int)element.Index };
            return StatusCodes.Good;
        }

        if (asked.TryGet<LiteralOperand>(limits, out var literal))
        {
            operand = operand with { Literal = literal.Value };
            return StatusCodes.Good;
        }

        if (!asked.TryGet<SimpleAttributeOperand>(limits, out var attribute))
            return StatusCodes.BadFilterOperandInvalid;
        var status = EventField.TryMake(attribute, types, out var field);
        operand = operand with { Field = field };
        return status;
    }

    private static StatusCode CheckLiteral(FilterOperator filterOperator, uint number, EventTypes types, ref WhereOperand operand)
    {
        switch (filterOperator)
        {
            case FilterOperator.Cast when number == CastTarget:
                return operand.IsLiteral && FilterValues.TryGetBuiltInType(operand.Literal, out _)
                    ? StatusCodes.Good
                    : StatusCodes.BadFilterLiteralInvalid;
            case FilterOperator.OfType when operand.IsLiteral:
                if (!FilterValues.TryGetNodeId(operand.Literal, out var id))
                    return StatusCodes.BadFilterLiteralInvalid;
                return types.TryFind(id, out _) ? StatusCodes.Good : StatusCodes.BadTypeDefinitionInvalid;
            case FilterOperator.Like when number == LikeText && operand.IsLiteral:
                if (!FilterValues.TryGetText(operand.Literal, out var text) || !LikePattern.TryParse(text, out var pattern))
                    return StatusCodes.BadFilterLiteralInvalid;
                operand = operand with { Pattern = pattern };
                return StatusCodes.Good;
            default:
                return StatusCodes.Good;
        }
    }
}
