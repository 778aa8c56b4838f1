using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Client;

/// <summary>Another server has refused something, or has answered as none should.</summary>
internal sealed class ClientException(StatusCode status)
    : Exception($"The other OPC UA server cannot be used: {StatusCodes.NameOf(status) ?? status.ToString()}.")
{
    public StatusCode Status { get; } = status;
}
