using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Server.Services;

/// <summary>What all services of many operations have in common.</summary>
internal static class ServiceRules
{
    /// <summary>Checks a request before its first operation.</summary>
    /// <returns>Good, or what the request is refused with.</returns>
    public static StatusCode Check(in UaReader reader, int operations, int most)
    {
        if (!reader.Status.IsGood)
            return reader.Status;
        if (operations == 0)
            return StatusCodes.BadNothingToDo;
        return operations > most ? StatusCodes.BadTooManyOperations : StatusCodes.Good;
    }
}
