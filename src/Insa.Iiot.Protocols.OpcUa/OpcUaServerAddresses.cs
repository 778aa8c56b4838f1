using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Insa.Iiot.Protocols.OpcUa;

/// <summary>Where the server really listens, once the host has started.</summary>
public sealed class OpcUaServerAddresses
{
    private readonly List<ListenOptions> _listeners = [];

    internal OpcUaServerAddresses() { }

    /// <summary>The bound addresses and ports, in the order of the options. Empty before the start.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints => [.. _listeners.Select(listener => listener.IPEndPoint!)];

    internal void Add(ListenOptions listener) => _listeners.Add(listener);
}
