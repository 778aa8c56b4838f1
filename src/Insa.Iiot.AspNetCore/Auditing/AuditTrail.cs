using Insa.Iiot.AspNetCore.Authentication;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Insa.Iiot.AspNetCore.Auditing;

/// <summary>Writes what requests did to the logs of whom it concerns: the caller's tenant, the one above it acts from, the one it is about; else the platform's.</summary>
internal sealed class AuditTrail(AuditLog log)
{
    private const string Nobody = "anonymous";

    // Parameters of paths that name a tenant.
    private static readonly string[] TenantRoutes = ["tenantId", "childId"];

    /// <summary>Writes what an endpoint did.</summary>
    /// <param name="http">The request.</param>
    /// <param name="refusal">Why it was refused; <see langword="null"/> if it was done.</param>
    public async ValueTask WriteAsync(HttpContext http, string? refusal)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<AuditTrait>() is not { } trait)
            return;

        // What cannot be read was not tried.
        if (refusal == ProblemKind.Invalid.Name)
            return;
        var caller = (http.User as CallerPrincipal)?.Caller;
        var who = refusal is null && http.Items[typeof(Signed)] is Signed signed ? signed : new Signed(null, null);
        var details = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in http.GetRouteData().Values)
        {
            if (value is string { Length: > 0 } text)
                details[name] = text;
        }

        if (caller?.ActsFrom is { } above)
            details["actsFrom"] = above.Value;
        var happened = new AuditEvent
        {
            Actor = caller?.Id ?? who.Actor ?? Nobody,
            Action = trait.Action,
            Target = http.Items[typeof(AuditTrait)] as string ?? http.Request.Path.Value,
            Refusal = refusal,
            SourceAddress = AddressOf(http),
            Details = details,
        };
        foreach (
            var scope in ScopesOf(
                caller?.HasTenant == true ? caller.Tenant : who.Tenant,
                caller?.ActsFrom,
                details,
                isDone: refusal is null
            )
        )
            await log.AppendAsync(scope, happened, http.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Writes what a guard refused, for the tenant that the caller works for.</summary>
    public async ValueTask WriteRefusalAsync(HttpContext http, Caller caller, Problem problem)
    {
        var refused = new AuditEvent
        {
            Actor = caller.Id,
            Action = http.GetEndpoint()?.Metadata.GetMetadata<AuditTrait>()?.Action ?? "request.refuse",
            Target = $"{http.Request.Method} {http.Request.Path}",
            Refusal = problem.Subject is null ? problem.Kind.Name : $"{problem.Kind.Name} {problem.Subject}",
            SourceAddress = AddressOf(http),
        };

        // Of a tenant that is not active, or gone, nobody reads the log.
        var scope = caller.HasTenant && problem.Kind != ProblemKind.TenantInactive ? ControlScope.Of(caller.Tenant) : ControlScope.Platform;
        await log.AppendAsync(scope, refused, http.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Says who has signed in with a request that came from nobody yet.</summary>
    public static void SignedIn(HttpContext http, string actor, TenantId? tenant) => http.Items[typeof(Signed)] = new Signed(actor, tenant);

    /// <summary>Says what a request is about, where its path does not.</summary>
    public static void About(HttpContext http, string target) => http.Items[typeof(AuditTrait)] = target;

    private static string? AddressOf(HttpContext http) => http.Connection.RemoteIpAddress?.ToString();

    // What was refused may name a tenant that does not exist, which has no log.
    private static HashSet<ControlScope> ScopesOf(TenantId? tenant, TenantId? actsFrom, Dictionary<string, string> route, bool isDone)
    {
        var scopes = new HashSet<ControlScope> { tenant is { } own ? ControlScope.Of(own) : ControlScope.Platform };
        if (actsFrom is { } above)
            scopes.Add(ControlScope.Of(above));
        foreach (var name in TenantRoutes)
        {
            if (isDone && route.TryGetValue(name, out var text) && TenantId.TryParse(text, out var named))
                scopes.Add(ControlScope.Of(named));
        }

        return scopes;
    }

    private sealed record Signed(string? Actor, TenantId? Tenant);
}
