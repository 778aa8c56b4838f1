using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>An operator with its operands, as many as it takes.</summary>
internal readonly record struct WhereElement(FilterOperator Operator, WhereOperand[] Operands);
