using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>
/// Decides which events are wanted (OPC 10000-4 §7.7.3): the first element says so. Elements refer to later ones only, so the last is worked out first and each
/// once. What cannot be told is null, as SQL has it. Not thread-safe.
/// </summary>
internal sealed class WhereClause(WhereElement[] elements, EventTypes types)
{
    private readonly Variant[] _results = new Variant[elements.Length];

    public bool Passes(UaEvent e)
    {
        for (var i = elements.Length - 1; i >= 0; i--)
            _results[i] = Evaluate(elements[i], e);
        var passes = ToBoolean(_results[0]) == true;
        Array.Clear(_results);
        return passes;
    }

    private static Variant Of(bool? value) => value is { } known ? Variant.Of(known) : default;

    private static bool? ToBoolean(in Variant value) => value is { Type: BuiltInType.Boolean, IsArray: false } ? value.Boolean : null;

    private static bool? And(bool? left, bool? right) =>
        left == false || right == false ? false
        : left is null || right is null ? null
        : true;

    private static bool? Or(bool? left, bool? right) =>
        left == true || right == true ? true
        : left is null || right is null ? null
        : false;

    private Variant Evaluate(in WhereElement element, UaEvent e)
    {
        var operands = element.Operands;
        var first = ValueOf(operands[0], e);
        return element.Operator switch
        {
            FilterOperator.Equals => Of(FilterValues.AreEqual(first, ValueOf(operands[1], e))),

            // OPC 10000-4 §7.7.3: a status code in place of a value is no value.
            FilterOperator.IsNull => Variant.Of(first.IsNull || (operands[0].Field is not null && IsStatusInsteadOf(first))),
            FilterOperator.GreaterThan => Of(
                FilterValues.Compare(first, ValueOf(operands[1], e)) is { } sign ? sign is > 0 and not FilterValues.Unordered : null
            ),
            FilterOperator.LessThan => Of(FilterValues.Compare(first, ValueOf(operands[1], e)) is { } sign ? sign < 0 : null),
            FilterOperator.GreaterThanOrEqual => Of(AtLeast(first, ValueOf(operands[1], e))),
            FilterOperator.LessThanOrEqual => Of(AtMost(first, ValueOf(operands[1], e))),
            FilterOperator.Like => Of(IsLike(first, operands[1], e)),
            FilterOperator.Not => Of(!ToBoolean(first)),
            FilterOperator.Between => Of(And(AtLeast(first, ValueOf(operands[1], e)), AtMost(first, ValueOf(operands[2], e)))),
            FilterOperator.InList => Of(IsInList(first, operands, e)),
            FilterOperator.And => Of(And(ToBoolean(first), ToBoolean(ValueOf(operands[1], e)))),
            FilterOperator.Or => Of(Or(ToBoolean(first), ToBoolean(ValueOf(operands[1], e)))),
            FilterOperator.Cast => FilterValues.TryGetBuiltInType(operands[1].Literal, out var type)
                ? FilterValues.Cast(first, type)
                : default,
            FilterOperator.OfType => Of(IsOfType(first, e)),
            FilterOperator.BitwiseAnd => FilterValues.Bitwise(first, ValueOf(operands[1], e), isAnd: true),
            FilterOperator.BitwiseOr => FilterValues.Bitwise(first, ValueOf(operands[1], e), isAnd: false),
            _ => default,
        };
    }

    private Variant ValueOf(in WhereOperand operand, UaEvent e)
    {
        if (operand.Element >= 0)
            return _results[operand.Element];
        return operand.Field is { } field ? field.Of(e, types) : operand.Literal;
    }

    private static bool IsStatusInsteadOf(in Variant value) =>
        value is { Type: BuiltInType.StatusCode, IsArray: false, StatusCode.IsBad: true };

    private static bool? AtLeast(in Variant left, in Variant right) =>
        FilterValues.Compare(left, right) is { } sign ? sign is >= 0 and not FilterValues.Unordered : null;

    private static bool? AtMost(in Variant left, in Variant right) => FilterValues.Compare(left, right) is { } sign ? sign <= 0 : null;

    private bool? IsLike(in Variant value, in WhereOperand operand, UaEvent e)
    {
        var pattern = operand.Pattern;
        if (value.IsNull)
            return null;
        if (pattern is null)
        {
            var text = ValueOf(operand, e);
            if (text.IsNull)
                return null;
            if (!FilterValues.TryGetText(text, out var written) || !LikePattern.TryParse(written, out pattern))
                return false;
        }

        return FilterValues.TryGetText(value, out var subject) && pattern.Matches(subject);
    }

    private bool? IsInList(in Variant value, WhereOperand[] operands, UaEvent e)
    {
        bool? found = false;
        for (var i = 1; i < operands.Length && found != true; i++)
            found = Or(found, FilterValues.AreEqual(value, ValueOf(operands[i], e)));
        return found;
    }

    private bool? IsOfType(in Variant value, UaEvent e)
    {
        if (value.IsNull)
            return null;
        return FilterValues.TryGetNodeId(value, out var id) && types.TryFind(id, out var type) && types.Nodes.IsTypeOf(e.Type, type);
    }
}
