using System.Net;

namespace Insa.Iiot.Protocols.Coap;

/// <summary>Where the server really listens, once the host has started.</summary>
public sealed class CoapServerAddresses
{
    internal CoapServerAddresses() { }

    /// <summary>The bound addresses and ports, in the order of the options. Empty before the start.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints { get; internal set; } = [];
}
