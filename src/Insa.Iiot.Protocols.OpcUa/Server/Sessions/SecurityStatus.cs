using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>Tells what was refused for the sake of security.</summary>
internal static class SecurityStatus
{
    public static bool Is(StatusCode status) =>
        status == StatusCodes.BadUserAccessDenied
        || status == StatusCodes.BadIdentityTokenInvalid
        || status == StatusCodes.BadIdentityTokenRejected
        || status == StatusCodes.BadIdentityChangeNotSupported
        || status == StatusCodes.BadUserSignatureInvalid
        || status == StatusCodes.BadApplicationSignatureInvalid
        || status == StatusCodes.BadSecureChannelIdInvalid
        || status == StatusCodes.BadSecurityChecksFailed
        || status == StatusCodes.BadSecurityPolicyRejected;
}
