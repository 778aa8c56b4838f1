using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server;

/// <summary>A way to sign in at an endpoint (Part 4 §7.41).</summary>
/// <param name="Id">Names it: unique among all endpoints, since clients have been seen to look for it anywhere.</param>
/// <param name="Kind">What is shown.</param>
/// <param name="Security">How it is secured, whatever the channel's policy; None for anonymous alone.</param>
internal sealed record TokenPolicy(string Id, UserTokenType Kind, SecurityPolicy Security)
{
    public UserTokenPolicy Describe() =>
        new()
        {
            PolicyId = Id,
            TokenType = Kind,
            SecurityPolicyUri = Security.Uri,
        };
}
