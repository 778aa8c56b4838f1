namespace Insa.Iiot;

/// <summary>A device names a gateway that is no other device of its tenant.</summary>
public sealed class GatewayNotFoundException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="gateway">The id that names nothing.</param>
    public GatewayNotFoundException(DeviceId gateway)
        : base($"The tenant has no other device {gateway} that could be the gateway: register it first.") => Gateway = gateway;

    /// <summary>The id that names nothing.</summary>
    public DeviceId Gateway { get; }
}
