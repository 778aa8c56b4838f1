using System.Net;

namespace Insa.Iiot.Protocols.OpcUa;

/// <summary>One address the server listens on.</summary>
public sealed class OpcUaListenerOptions
{
    /// <summary>The address. Default loopback: say <see cref="IPAddress.Any"/> to be reached from elsewhere.</summary>
    public IPAddress Address { get; set; } = IPAddress.Loopback;

    /// <summary>The port. Default 4840; 0 takes a free one, see <see cref="OpcUaServerAddresses"/>.</summary>
    public int Port { get; set; } = 4840;
}
