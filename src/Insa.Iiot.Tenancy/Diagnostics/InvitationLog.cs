using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Tenancy.Diagnostics;

// Ids are part of the package's contract: append, never renumber. Invitations own 6200-6299.
internal static partial class InvitationLog
{
    [LoggerMessage(6200, LogLevel.Debug, "The mail server took the invitation {Invitation} of the tenant {Tenant}")]
    public static partial void InvitationSent(this ILogger logger, string invitation, string tenant);
}
