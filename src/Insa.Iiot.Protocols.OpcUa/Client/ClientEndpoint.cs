using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Client;

/// <summary>Where a channel leads, and how it is secured.</summary>
/// <param name="Url">The address, by which the connection is made too: what a server says of itself may lead nowhere from here.</param>
/// <param name="Policy">The policy.</param>
/// <param name="Mode">None with the policy None, and never without it.</param>
/// <param name="ServerCertificate">The other server's certificate (DER), which the caller trusts; empty with the policy None.</param>
internal sealed record ClientEndpoint(Uri Url, SecurityPolicy Policy, MessageSecurityMode Mode, byte[] ServerCertificate)
{
    public const int DefaultPort = 4840;

    /// <summary>That of discovery without security.</summary>
    public static ClientEndpoint Unsecured(Uri url) => new(url, SecurityPolicy.None, MessageSecurityMode.None, []);

    public int Port => Url.IsDefaultPort || Url.Port < 0 ? DefaultPort : Url.Port;
}
