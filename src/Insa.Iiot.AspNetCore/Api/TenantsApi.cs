using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using static Insa.Iiot.AspNetCore.Api.TenantContracts;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>All tenants, for operators of the platform.</summary>
internal static class TenantsApi
{
    private const string List = "tenants";

    public static void Map(RouteGroupBuilder api)
    {
        var tenants = api.MapGroup("/tenants").WithTags("Tenants (operators)").RequireOperator();
        tenants.MapGet("", ListAsync).WithName("listTenants").WithSummary("All tenants");
        tenants
            .MapPost("", CreateAsync)
            .TakesIdempotencyKey()
            .Audits("tenant.create")
            .WithName("createTenant")
            .WithSummary("Make a tenant");
        tenants.MapGet("/{tenantId}", GetAsync).WithName("getTenant").WithSummary("A tenant");
        tenants
            .MapPut("/{tenantId}", UpdateAsync)
            .Audits("tenant.update")
            .TakesVersion()
            .WithName("updateTenant")
            .WithSummary("Change a tenant's plan, limits and features");
        tenants
            .MapPost("/{tenantId}/suspend", SuspendAsync)
            .Audits("tenant.suspend")
            .TakesVersion()
            .WithName("suspendTenant")
            .WithSummary("Let nobody work for a tenant");
        tenants
            .MapPost("/{tenantId}/resume", ResumeAsync)
            .Audits("tenant.resume")
            .TakesVersion()
            .WithName("resumeTenant")
            .WithSummary("End a suspension");
        tenants
            .MapPost("/{tenantId}/offboard", OffboardAsync)
            .Audits("tenant.offboard")
            .TakesVersion()
            .WithName("offboardTenant")
            .WithSummary("Begin a tenant's leaving, which cannot be taken back");
        tenants.MapGet("/{tenantId}/usage", GetUsageAsync).WithName("getTenantUsage").WithSummary("What a tenant has used of its limits");
        tenants
            .MapGet("/{tenantId}/features", ListFeaturesAsync)
            .WithName("listTenantFeatures")
            .WithSummary("The features, and which are on");
        tenants
            .MapPost("/{tenantId}/members", AddMemberAsync)
            .Audits("member.create")
            .WithName("addMember")
            .WithSummary("Add a user to a tenant");
        api.MapGet("/plans", ListPlans).WithTags("Tenants (operators)").RequireOperator().WithName("listPlans").WithSummary("The plans");
    }

    private static async Task<Results<Ok<Page<TenantContracts.Tenant>>, Problem>> ListAsync(
        [AsParameters] PageQuery page,
        TenantDirectory tenants,
        HttpContext http
    )
    {
        if (page.Read(List, out var after) is { } problem)
            return problem;
        TenantId? last = TenantId.TryParse(after, out var id) ? id : null;
        var found = await tenants.ListAsync(last, page.Count, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(page.ToPage(List, found, TenantAnswers.Of, tenant => tenant.Id.Value));
    }

    private static async Task<Results<Created<TenantContracts.Tenant>, Problem>> CreateAsync(
        Body<NewTenant> body,
        TenantDirectory tenants,
        HttpContext http
    )
    {
        var (name, displayName, plan, limits, features, rates) = body.Value;
        if (!TenantId.TryParse(name, out var id))
            return Problem.Invalid("An id is 1 to 63 characters of a-z, 0-9 and '-'.", "/id");
        var tenant = await tenants
            .CreateAsync(id, TenantAnswers.ToSettings(displayName, plan, limits, features, rates), cancellationToken: http.RequestAborted)
            .ConfigureAwait(false);
        Versions.Tell(http, tenant.Version);
        return TypedResults.Created($"/api/v1/tenants/{tenant.Id}", TenantAnswers.Of(tenant));
    }

    private static async Task<Results<Ok<TenantContracts.Tenant>, StatusCodeHttpResult, Problem>> GetAsync(
        string tenantId,
        TenantDirectory tenants,
        HttpContext http
    )
    {
        if (await FindAsync(tenantId, tenants, http).ConfigureAwait(false) is not { } tenant)
            return Problem.NotFound();
        return Versions.Answer(http, tenant.Version, TenantAnswers.Of(tenant));
    }

    private static Task<Results<Ok<TenantContracts.Tenant>, Problem>> UpdateAsync(
        string tenantId,
        Body<Settings> body,
        TenantDirectory tenants,
        HttpContext http
    )
    {
        var (displayName, plan, limits, features, rates) = body.Value;
        var settings = TenantAnswers.ToSettings(displayName, plan, limits, features, rates);
        return ChangeAsync(tenantId, tenants, http, (id, version) => tenants.UpdateAsync(id, version, settings, http.RequestAborted));
    }

    private static Task<Results<Ok<TenantContracts.Tenant>, Problem>> SuspendAsync(
        string tenantId,
        TenantDirectory tenants,
        HttpContext http
    ) => ChangeAsync(tenantId, tenants, http, (id, version) => tenants.SuspendAsync(id, version, http.RequestAborted));

    private static Task<Results<Ok<TenantContracts.Tenant>, Problem>> ResumeAsync(
        string tenantId,
        TenantDirectory tenants,
        HttpContext http
    ) => ChangeAsync(tenantId, tenants, http, (id, version) => tenants.ResumeAsync(id, version, http.RequestAborted));

    private static Task<Results<Ok<TenantContracts.Tenant>, Problem>> OffboardAsync(
        string tenantId,
        TenantDirectory tenants,
        HttpContext http
    ) => ChangeAsync(tenantId, tenants, http, (id, version) => tenants.OffboardAsync(id, version, http.RequestAborted));

    private static async Task<Results<Ok<OverviewContracts.Usage>, Problem>> GetUsageAsync(
        string tenantId,
        TenantDirectory tenants,
        TenantUsage usage,
        HttpContext http
    ) =>
        await FindAsync(tenantId, tenants, http).ConfigureAwait(false) is { } tenant
            ? TypedResults.Ok(OverviewApi.ToAnswer(await usage.ReadAsync(tenant.Id, http.RequestAborted).ConfigureAwait(false)))
            : Problem.NotFound();

    private static async Task<Results<Ok<FeatureList>, Problem>> ListFeaturesAsync(
        string tenantId,
        TenantDirectory tenants,
        HttpContext http
    ) =>
        await FindAsync(tenantId, tenants, http).ConfigureAwait(false) is { } tenant
            ? TypedResults.Ok(TenantAnswers.Of(tenants.ListFeatures(tenant)))
            : Problem.NotFound();

    private static async Task<Results<Created<AccessContracts.Member>, Problem>> AddMemberAsync(
        string tenantId,
        Body<AccessContracts.NewMember> body,
        TenantDirectory tenants,
        TenantMembers members,
        UserAccounts users,
        HttpContext http
    )
    {
        if (await FindAsync(tenantId, tenants, http).ConfigureAwait(false) is not { } tenant)
            return Problem.NotFound();
        var member = await members
            .AddAsync(tenant.Id, Actor.Platform, body.Value.UserId, [.. body.Value.RoleIds], http.RequestAborted)
            .ConfigureAwait(false);
        return TypedResults.Created((string?)null, await MembersApi.ToAnswerAsync(member, users, http).ConfigureAwait(false));
    }

    private static Ok<PlanList> ListPlans(IOptions<TenancyOptions> options) =>
        TypedResults.Ok(
            new PlanList([
                .. options
                    .Value.Plans.OrderBy(plan => plan.Key, StringComparer.Ordinal)
                    .Select(plan => new Plan(
                        plan.Key,
                        new Dictionary<string, long>(plan.Value.Limits),
                        [.. plan.Value.Features.Order(StringComparer.Ordinal)]
                    )),
            ])
        );

    internal static async Task<Results<Ok<TenantContracts.Tenant>, Problem>> ChangeAsync(
        string tenantId,
        TenantDirectory tenants,
        HttpContext http,
        Func<TenantId, long, ValueTask<Tenancy.Tenant>> change
    )
    {
        if (await FindAsync(tenantId, tenants, http).ConfigureAwait(false) is not { } seen)
            return Problem.NotFound();
        if (Versions.Read(http, seen.Version, out var version) is { } problem)
            return problem;
        var tenant = await change(seen.Id, version).ConfigureAwait(false);
        Versions.Tell(http, tenant.Version);
        return TypedResults.Ok(TenantAnswers.Of(tenant));
    }

    private static async ValueTask<Tenancy.Tenant?> FindAsync(string tenantId, TenantDirectory tenants, HttpContext http) =>
        TenantId.TryParse(tenantId, out var id) ? await tenants.FindAsync(id, http.RequestAborted).ConfigureAwait(false) : null;
}
