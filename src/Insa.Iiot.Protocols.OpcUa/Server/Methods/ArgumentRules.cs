using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Methods;

/// <summary>Whether an argument is what the method's declaration says.</summary>
internal static class ArgumentRules
{
    public static StatusCode Check(Variant value, Argument declared)
    {
        var isArray = declared.ValueRank >= 1;
        return value.Type == BuiltInTypeOf(declared.DataType) && value.IsArray == isArray ? StatusCodes.Good : StatusCodes.BadTypeMismatch;
    }

    // The subtypes of built-in types that methods of this server take.
    private static BuiltInType BuiltInTypeOf(NodeId type)
    {
        const uint lastBuiltIn = (uint)BuiltInType.DiagnosticInfo;
        return type.Numeric switch
        {
            NodeIds.Duration => BuiltInType.Double,
            NodeIds.Counter or NodeIds.IntegerId => BuiltInType.UInt32,
            <= lastBuiltIn => (BuiltInType)type.Numeric,
            _ => BuiltInType.ExtensionObject,
        };
    }
}
