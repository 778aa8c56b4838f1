using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>What an operator of a where clause works on: the result of a later element, a field of the event, or a value.</summary>
/// <param name="Element">The number of the element; -1 for the others.</param>
/// <param name="Field">The field, if it is one.</param>
/// <param name="Literal">The value, if it is one.</param>
/// <param name="Pattern">What <see cref="Literal"/> is to Like.</param>
internal readonly record struct WhereOperand(int Element, EventField? Field, Variant Literal, LikePattern? Pattern = null)
{
    public bool IsLiteral => Element < 0 && Field is null;
}
