using Insa.Iiot.AspNetCore.Authentication;
using Insa.Iiot.AspNetCore.Diagnostics;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Insa.Iiot.AspNetCore.Auditing;

/// <summary>Writes what requests did to the logs of whom it concerns: the caller's tenant, the one above it acts from, the one it is about; else the platform's.</summary>
/// <remarks>
/// Written whether or not the caller still waits: who breaks off a request does not keep what it did out of the log. The log of a tenant is for who
/// belongs to it, and ends with it: what is written after its erasure would stay for ever.
/// </remarks>
internal sealed class AuditTrail(AuditLog log, TenantDirectory tenants, AnonymousFailures failures, RestMetrics metrics)
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
        var principal = http.User as CallerPrincipal;
        var caller = principal?.Caller;
        var who = refusal is null && http.Items[typeof(Signed)] is Signed signed ? signed : new Signed(null, null);
        var actor = caller?.Id ?? who.Actor;

        // A flood must not fill the log.
        if (refusal == ProblemKind.QuotaExceeded.Name || (actor is null && refusal is not null && !failures.IsToBeLogged(http)))
        {
            metrics.Refused(refusal);
            return;
        }

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
            Actor = actor ?? Nobody,
            Action = trait.Action,
            Target = http.Items[typeof(AuditTrait)] as string ?? http.Request.Path.Value,
            Refusal = refusal,
            SourceAddress = AddressOf(http),
            Details = details,
        };
        var own = principal is null ? OfTenant(who.Tenant) : ScopeOf(principal);
        foreach (var scope in await ScopesOfAsync(own, caller?.ActsFrom, details, isDone: refusal is null).ConfigureAwait(false))
            await log.AppendAsync(scope, happened, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Writes what a guard refused, for the tenant that the caller works for.</summary>
    public async ValueTask WriteRefusalAsync(HttpContext http, CallerPrincipal principal, Problem problem)
    {
        var caller = principal.Caller;
        var refused = new AuditEvent
        {
            Actor = caller.Id,
            Action = http.GetEndpoint()?.Metadata.GetMetadata<AuditTrait>()?.Action ?? "request.refuse",
            Target = $"{http.Request.Method} {http.Request.Path}",
            Refusal = problem.Subject is null ? problem.Kind.Name : $"{problem.Kind.Name} {problem.Subject}",
            SourceAddress = AddressOf(http),
        };

        // Of a tenant that is not active nobody reads the log.
        var scope = problem.Kind == ProblemKind.TenantInactive ? ControlScope.Platform : ScopeOf(principal);
        await log.AppendAsync(scope, refused, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Says who has signed in with a request that came from nobody yet.</summary>
    public static void SignedIn(HttpContext http, string actor, TenantId? tenant) => http.Items[typeof(Signed)] = new Signed(actor, tenant);

    /// <summary>Says what a request is about, where its path does not.</summary>
    public static void About(HttpContext http, string target) => http.Items[typeof(AuditTrait)] = target;

    private static string? AddressOf(HttpContext http) => http.Connection.RemoteIpAddress?.ToString();

    // Who has left a tenant does not write to its log any more, and a tenant that is deleted has none.
    private static ControlScope ScopeOf(CallerPrincipal principal) =>
        principal.Grant is { BelongsToTenant: true, Tenant.State: not TenantState.Deleted }
            ? ControlScope.Of(principal.Caller.Tenant)
            : ControlScope.Platform;

    private static ControlScope OfTenant(TenantId? tenant) => tenant is { } own ? ControlScope.Of(own) : ControlScope.Platform;

    // What was refused may name a tenant that does not exist, which has no log.
    private async ValueTask<HashSet<ControlScope>> ScopesOfAsync(
        ControlScope own,
        TenantId? actsFrom,
        Dictionary<string, string> route,
        bool isDone
    )
    {
        var scopes = new HashSet<ControlScope> { own };
        if (actsFrom is { } above)
            scopes.Add(ControlScope.Of(above));
        foreach (var name in TenantRoutes)
        {
            if (
                isDone
                && route.TryGetValue(name, out var text)
                && TenantId.TryParse(text, out var named)
                && await tenants.FindAsync(named, CancellationToken.None).ConfigureAwait(false) is { State: not TenantState.Deleted }
            )
                scopes.Add(ControlScope.Of(named));
        }

        return scopes;
    }

    private sealed record Signed(string? Actor, TenantId? Tenant);
}
