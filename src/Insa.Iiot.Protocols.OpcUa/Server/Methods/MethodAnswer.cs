using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Server.Methods;

/// <summary>What a method answers.</summary>
/// <param name="Status">How it went.</param>
/// <param name="Outputs">The output arguments; none if it failed.</param>
internal readonly record struct MethodAnswer(StatusCode Status, params Variant[] Outputs)
{
    public static MethodAnswer Good(params Variant[] outputs) => new(StatusCodes.Good, outputs);

    public static implicit operator MethodAnswer(StatusCode status) => new(status, []);
}
