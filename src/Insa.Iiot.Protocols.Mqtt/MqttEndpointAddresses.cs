using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Insa.Iiot.Protocols.Mqtt;

/// <summary>Where the endpoint really listens, once the host has started.</summary>
public sealed class MqttEndpointAddresses
{
    private readonly List<ListenOptions> _listeners = [];

    internal MqttEndpointAddresses() { }

    /// <summary>The bound addresses and ports, in the order of the options. Empty before the start.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints => [.. _listeners.Select(listener => listener.IPEndPoint!)];

    internal void Add(ListenOptions listener) => _listeners.Add(listener);
}
