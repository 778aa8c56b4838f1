using Insa.Iiot.AspNetCore.Authentication;
using Insa.Iiot.AspNetCore.Diagnostics;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.AspNetCore.RateLimiting;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.AspNetCore.Guards;

/// <summary>Finds who calls, asks of them what the endpoint asks, and lets them work within their tenant. What has no guard is not touched.</summary>
internal sealed class TenancyMiddleware(
    RequestDelegate next,
    Authenticator authenticator,
    TenantDirectory tenants,
    ITenantContextAccessor contexts,
    RequestRates rates,
    GuardRefusals refusals,
    ILogger<TenancyMiddleware> logger
)
{
    /// <summary>Names a tenant, for hosts in front of us; it may only repeat what the credential says.</summary>
    public const string TenantHeader = "X-Tenant-Id";

    private const string Scheme = "Bearer ";

    public Task InvokeAsync(HttpContext context)
    {
        var metadata = context.GetEndpoint()?.Metadata;
        if (metadata?.GetMetadata<GuardPlan>() is { } plan)
            return GuardAsync(context, plan);
        return metadata?.GetMetadata<RestEndpoint>() is null ? next(context) : RunAsync(context);
    }

    private Task GuardAsync(HttpContext context, GuardPlan plan)
    {
        var bearer = ReadBearer(context.Request);
        if (bearer.IsEmpty)
            return Unauthenticated().ExecuteAsync(context);
        var found = authenticator.FindAsync(bearer, context.RequestAborted);
        return found.IsCompletedSuccessfully ? AdmitAsync(context, plan, found.Result) : AwaitAsync(context, plan, found);
    }

    private async Task AwaitAsync(HttpContext context, GuardPlan plan, ValueTask<CallerPrincipal?> found)
    {
        CallerPrincipal? principal;
        try
        {
            principal = await found.ConfigureAwait(false);
        }
        catch (TelemetryStoreException e)
        {
            // Not known is not the same as unknown.
            await ToProblem(context, e).ExecuteAsync(context).ConfigureAwait(false);
            return;
        }

        await AdmitAsync(context, plan, principal).ConfigureAwait(false);
    }

    private Task AdmitAsync(HttpContext context, GuardPlan plan, CallerPrincipal? principal)
    {
        if (principal is null)
            return Unauthenticated().ExecuteAsync(context);
        context.User = principal;
        if (context.GetEndpoint()!.Metadata.GetMetadata<RestEndpoint>() is not null && rates.Take(context, principal) is { } tooMuch)
        {
            refusals.Count(tooMuch);
            return tooMuch.ExecuteAsync(context);
        }

        if (Check(context, plan, principal) is { } problem)
            return RefuseAsync(context, principal, problem);
        return plan.NeedsTenant ? RunForTenantAsync(context, plan, principal) : RunAsync(context);
    }

    private async Task RefuseAsync(HttpContext context, CallerPrincipal caller, Problem problem)
    {
        try
        {
            await refusals.TellAsync(context, caller, problem).ConfigureAwait(false);
        }
        catch (TelemetryStoreException e)
        {
            // What a caller is told is in the log: when it cannot be written, they are told that.
            problem = ToProblem(context, e);
        }

        await problem.ExecuteAsync(context).ConfigureAwait(false);
    }

    private async Task RunForTenantAsync(HttpContext context, GuardPlan plan, CallerPrincipal caller)
    {
        using var scope = contexts.Begin(caller.Caller.Tenant);
        await (plan.Quotas.Length == 0 ? RunAsync(context) : RunWithinQuotasAsync(context, plan, caller)).ConfigureAwait(false);
    }

    private Problem? Check(HttpContext context, GuardPlan plan, CallerPrincipal principal)
    {
        var caller = principal.Caller;
        if (context.Request.Headers.TryGetValue(TenantHeader, out var named) && !(caller.HasTenant && named == caller.Tenant.Value))
            return new Problem(ProblemKind.TenantMismatch, "A tenant is chosen by signing in to it, not by a header.");
        if (plan.NeedsUser && !caller.IsUser)
            return new Problem(ProblemKind.PermissionDenied, "This is for people who have signed in, not for programs.");
        if (plan.NeedsOperator && !caller.IsOperator)
            return new Problem(ProblemKind.PermissionDenied, "This is for operators of the platform.");
        if (!plan.NeedsTenant)
            return null;
        if (!caller.HasTenant || !principal.Grant.BelongsToTenant)
            return new Problem(ProblemKind.NoTenant, "Choose a tenant that you belong to: POST /api/v1/auth/switch.");
        if (principal.ActiveTenant is not { } tenant)
            return new Problem(ProblemKind.TenantInactive, "Nobody can work for it until it is resumed.");
        if (!NetworkList.IsAllowed(tenant.AllowedNetworks, context.Connection.RemoteIpAddress))
            return new Problem(ProblemKind.AddressNotAllowed, "Come from one of the tenant's networks.");
        if (!caller.Permissions.ContainsAll(plan.Permissions))
            return Denied(plan, caller);
        foreach (var feature in plan.Features)
        {
            if (!tenants.HasFeature(tenant, feature))
                return new Problem(ProblemKind.FeatureOff, "Ask the platform's operator for it.") { Subject = feature };
        }

        return null;
    }

    private async Task RunWithinQuotasAsync(HttpContext context, GuardPlan plan, CallerPrincipal caller)
    {
        var tenant = caller.Caller.Tenant;
        var taken = 0;
        var isKept = false;
        try
        {
            for (; taken < plan.Quotas.Length; taken++)
            {
                if (await TakeAsync(context, plan.Quotas[taken], tenant).ConfigureAwait(false) is not { } problem)
                    continue;
                await RefuseAsync(context, caller, problem).ConfigureAwait(false);
                return;
            }

            await RunAsync(context).ConfigureAwait(false);
            isKept = context.Response.StatusCode < StatusCodes.Status400BadRequest;
        }
        finally
        {
            // Also of a request that was given up: what was taken for it must not be lost.
            for (var i = 0; i < taken && !isKept; i++)
                await tenants
                    .ReleaseAsync(tenant, plan.Quotas[i].Name, plan.Quotas[i].Amount, CancellationToken.None)
                    .ConfigureAwait(false);
        }
    }

    private async Task<Problem?> TakeAsync(HttpContext context, Guard quota, TenantId tenant)
    {
        try
        {
            return await tenants.TryTakeAsync(tenant, quota.Name, quota.Amount, context.RequestAborted).ConfigureAwait(false)
                ? null
                : ToProblem(context, new LimitReachedException(quota.Name));
        }
        catch (TelemetryStoreException e)
        {
            return ToProblem(context, e);
        }
    }

    /// <summary>Runs an endpoint; what one of ours throws becomes a problem.</summary>
    private Task RunAsync(HttpContext context) =>
        context.GetEndpoint()!.Metadata.GetMetadata<RestEndpoint>() is null ? next(context) : RunOursAsync(context);

    private async Task RunOursAsync(HttpContext context)
    {
        try
        {
            await next(context).ConfigureAwait(false);
        }
        catch (Exception e) when (!context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            context.Response.Clear();
            await ToProblem(context, e).ExecuteAsync(context).ConfigureAwait(false);
        }
    }

    private Problem ToProblem(HttpContext context, Exception e)
    {
        if (e is TelemetryStoreException { IsTransient: true } store)
            logger.StoreFailed(context.GetEndpoint()?.DisplayName, store.Message);
        if (ProblemMapping.ToProblem(e) is { } problem)
            return problem;
        logger.EndpointFailed(e, context.GetEndpoint()?.DisplayName);
        return new Problem(ProblemKind.Failed, "It is a fault of the host; its log says more.");
    }

    private static Problem Unauthenticated() =>
        new(ProblemKind.Unauthenticated, "Send an access token or an API key as a bearer token: POST /api/v1/auth/login gives one.");

    private static Problem Denied(GuardPlan plan, Caller caller) =>
        new(ProblemKind.PermissionDenied, "A role with this permission is needed.")
        {
            Subject = Array.Find(plan.PermissionNames, name => !caller.Permissions.Contains(name)),
        };

    private static ReadOnlySpan<char> ReadBearer(HttpRequest request)
    {
        string? header = request.Headers.Authorization;
        return header?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) == true ? header.AsSpan(Scheme.Length).Trim() : default;
    }
}
