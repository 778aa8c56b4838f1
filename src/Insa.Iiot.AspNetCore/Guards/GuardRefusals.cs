using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Diagnostics;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Guards;

/// <summary>Makes every refusal of a known caller visible: counted, and logged for the tenant that the caller works for.</summary>
internal sealed class GuardRefusals(RestMetrics metrics, AuditLog log)
{
    /// <summary>Counts one that is not logged: a flood must not fill the log.</summary>
    public void Count(Problem problem) => metrics.Refused(problem.Kind.Name);

    public async ValueTask TellAsync(HttpContext context, Caller caller, Problem problem)
    {
        metrics.Refused(problem.Kind.Name);

        // Of a tenant that is not active, or gone, nobody reads the log.
        var scope = caller.HasTenant && problem.Kind != ProblemKind.TenantInactive ? ControlScope.Of(caller.Tenant) : ControlScope.Platform;
        await log.AppendAsync(
                scope,
                new AuditEvent
                {
                    Actor = caller.Id,
                    Action = context.GetEndpoint()?.Metadata.GetMetadata<AuditTrait>()?.Action ?? "request.refuse",
                    Target = $"{context.Request.Method} {context.Request.Path}",
                    Refusal = problem.Subject is null ? problem.Kind.Name : $"{problem.Kind.Name} {problem.Subject}",
                    SourceAddress = context.Connection.RemoteIpAddress?.ToString(),
                },
                context.RequestAborted
            )
            .ConfigureAwait(false);
    }
}
