using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Auditing;

internal static class AuditExtensions
{
    /// <summary>Logs what is done here, and what is refused, before the answer leaves.</summary>
    public static RouteHandlerBuilder Audits(this RouteHandlerBuilder endpoint, string action) =>
        endpoint.WithMetadata(new AuditTrait(action)).AddEndpointFilter<AuditFilter>();
}
