using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using static Insa.Iiot.AspNetCore.Api.TenantContracts;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>The tenant that one works for, and those below it.</summary>
internal static class TenantApi
{
    public static void Map(RouteGroupBuilder api)
    {
        var tenant = api.MapGroup("/tenant").WithTags("Tenant");
        tenant.MapGet("", GetAsync).RequireTenant().WithName("getOwnTenant").WithSummary("The tenant that one works for");
        tenant
            .MapPut("", RenameAsync)
            .Audits("tenant.rename")
            .RequireTenantAdmin()
            .TakesVersion()
            .WithName("renameTenant")
            .WithSummary("Give the tenant another name");
        tenant
            .MapGet("/features", ListFeaturesAsync)
            .RequireTenant()
            .WithName("listFeatures")
            .WithSummary("The features, and which are on");
        tenant.MapGet("/branding", GetBrandingAsync).RequireTenant().WithName("getBranding").WithSummary("How the tenant looks");
        tenant
            .MapGet("/branding/logo", GetLogoAsync)
            .RequireTenant()
            .Produces<Stream>(StatusCodes.Status200OK, "image/png", "image/jpeg", "image/webp")
            .WithName("getLogo")
            .WithSummary("The tenant's logo");
        tenant
            .MapPut("/branding", SetBrandingAsync)
            .Audits("branding.update")
            .RequireTenantAdmin()
            .TakesVersion()
            .WithName("setBranding")
            .WithSummary("Change how the tenant looks");
        tenant
            .MapGet("/networks", GetNetworksAsync)
            .RequireTenantAdmin()
            .WithName("getNetworks")
            .WithSummary("The networks that people and programs may come from");
        tenant
            .MapPut("/networks", SetNetworksAsync)
            .Audits("networks.update")
            .RequireTenantAdmin()
            .TakesVersion()
            .WithName("setNetworks")
            .WithSummary("Change the networks that people and programs may come from");

        var children = tenant.MapGroup("/children").RequireTenantAdmin();
        children.MapGet("", ListChildrenAsync).WithName("listChildren").WithSummary("The tenants below this one");
        children
            .MapPost("", CreateChildAsync)
            .TakesIdempotencyKey()
            .Audits("tenant.create")
            .WithName("createChild")
            .WithSummary("Make a tenant below this one");
        children.MapGet("/{childId}", GetChildAsync).WithName("getChild").WithSummary("A tenant below this one");
        children
            .MapPost("/{childId}/suspend", SuspendChildAsync)
            .Audits("tenant.suspend")
            .TakesVersion()
            .WithName("suspendChild")
            .WithSummary("Let nobody work for it");
        children
            .MapPost("/{childId}/resume", ResumeChildAsync)
            .Audits("tenant.resume")
            .TakesVersion()
            .WithName("resumeChild")
            .WithSummary("End a suspension");
    }

    private static async Task<Ok<TenantContracts.Tenant>> GetAsync(Caller caller, TenantDirectory tenants, HttpContext http)
    {
        var tenant = await OwnAsync(caller, tenants, http).ConfigureAwait(false);
        Versions.Tell(http, tenant.Version);
        return TypedResults.Ok(TenantAnswers.Of(tenant));
    }

    private static Task<Results<Ok<TenantContracts.Tenant>, Problem>> RenameAsync(
        Body<Rename> body,
        Caller caller,
        TenantDirectory tenants,
        HttpContext http
    ) =>
        TenantsApi.ChangeAsync(
            caller.Tenant.Value,
            tenants,
            http,
            (id, version) => tenants.RenameAsync(id, version, body.Value.DisplayName, http.RequestAborted)
        );

    private static async Task<Ok<FeatureList>> ListFeaturesAsync(Caller caller, TenantDirectory tenants, HttpContext http) =>
        TypedResults.Ok(TenantAnswers.Of(tenants.ListFeatures(await OwnAsync(caller, tenants, http).ConfigureAwait(false))));

    private static async Task<Ok<Branding>> GetBrandingAsync(Caller caller, TenantBrandings brandings, HttpContext http)
    {
        var branding = await brandings.GetAsync(caller.Tenant, http.RequestAborted).ConfigureAwait(false);
        Versions.Tell(http, branding.Version);
        return TypedResults.Ok(ToAnswer(branding));
    }

    private static async Task<Results<FileContentHttpResult, Problem>> GetLogoAsync(
        Caller caller,
        TenantBrandings brandings,
        HttpContext http
    )
    {
        var branding = await brandings.GetAsync(caller.Tenant, http.RequestAborted).ConfigureAwait(false);
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers.CacheControl = "private, max-age=300";
        return branding.LogoMediaType is null ? Problem.NotFound() : TypedResults.Bytes(branding.Logo.ToArray(), branding.LogoMediaType);
    }

    private static async Task<Results<Ok<Branding>, Problem>> SetBrandingAsync(
        Body<SetBranding> body,
        Caller caller,
        TenantBrandings brandings,
        HttpContext http
    )
    {
        var seen = await brandings.GetAsync(caller.Tenant, http.RequestAborted).ConfigureAwait(false);
        if (Versions.Read(http, seen.Version, out var version) is { } problem)
            return problem;
        var (productName, primaryColor, accentColor, logoMediaType, logo) = body.Value;
        var branding = await brandings
            .SetAsync(
                caller.Tenant,
                new TenantBranding
                {
                    ProductName = productName,
                    PrimaryColor = primaryColor,
                    AccentColor = accentColor,
                    LogoMediaType = logoMediaType,
                    Logo = logo,
                    Version = version,
                },
                http.RequestAborted
            )
            .ConfigureAwait(false);
        Versions.Tell(http, branding.Version);
        return TypedResults.Ok(ToAnswer(branding));
    }

    private static Branding ToAnswer(TenantBranding branding) =>
        new(branding.ProductName, branding.PrimaryColor, branding.AccentColor, branding.LogoMediaType is not null, branding.Version);

    private static async Task<Ok<Networks>> GetNetworksAsync(Caller caller, TenantDirectory tenants, HttpContext http)
    {
        var tenant = await OwnAsync(caller, tenants, http).ConfigureAwait(false);
        Versions.Tell(http, tenant.Version);
        return TypedResults.Ok(new Networks([.. tenant.AllowedNetworks.Select(network => network.ToString())]));
    }

    // Who changes this must not lock themselves out.
    private static async Task<Results<Ok<Networks>, Problem>> SetNetworksAsync(
        Body<Networks> body,
        Caller caller,
        TenantDirectory tenants,
        HttpContext http
    )
    {
        var networks = NetworkList.Parse(body.Value.Allowed);
        if (!NetworkList.IsAllowed(networks, http.Connection.RemoteIpAddress))
            return Problem.Invalid("Your own address would not be allowed any more.", "/allowed");
        var tenant = await OwnAsync(caller, tenants, http).ConfigureAwait(false);
        if (Versions.Read(http, tenant.Version, out var version) is { } problem)
            return problem;
        tenant = await tenants.SetAllowedNetworksAsync(caller.Tenant, version, networks, http.RequestAborted).ConfigureAwait(false);
        Versions.Tell(http, tenant.Version);
        return TypedResults.Ok(new Networks([.. tenant.AllowedNetworks.Select(network => network.ToString())]));
    }

    private static async Task<Results<Ok<Page<TenantContracts.Tenant>>, Problem>> ListChildrenAsync(
        [AsParameters] PageQuery page,
        Caller caller,
        TenantDirectory tenants,
        HttpContext http
    )
    {
        var list = $"children of {caller.Tenant}";
        if (page.Read(list, out var after) is { } problem)
            return problem;
        TenantId? last = TenantId.TryParse(after, out var id) ? id : null;
        var ids = await tenants.ListChildrenAsync(caller.Tenant, last, page.Count, http.RequestAborted).ConfigureAwait(false);
        var found = new List<TenantContracts.Tenant>(ids.Count);
        foreach (var childId in ids)
        {
            if (await tenants.FindAsync(childId, http.RequestAborted).ConfigureAwait(false) is { } child)
                found.Add(TenantAnswers.Of(child));
        }

        return TypedResults.Ok(page.ToPage(list, found, child => child, child => child.Id));
    }

    private static async Task<Results<Created<TenantContracts.Tenant>, Problem>> CreateChildAsync(
        Body<NewChild> body,
        Caller caller,
        TenantDirectory tenants,
        HttpContext http
    )
    {
        if (!TenantId.TryParse(body.Value.Id, out var id))
            return Problem.Invalid("An id is 1 to 63 characters of a-z, 0-9 and '-'.", "/id");

        // Ids are the platform's: whoever may try any learns who else is on it.
        var prefix = $"{caller.Tenant}-";
        if (!id.Value.StartsWith(prefix, StringComparison.Ordinal) || id.Value.Length == prefix.Length)
            return Problem.Invalid($"The id of a tenant below this one begins with '{prefix}'.", "/id");
        var child = await tenants.CreateChildAsync(id, body.Value.DisplayName, caller.Tenant, http.RequestAborted).ConfigureAwait(false);
        Versions.Tell(http, child.Version);
        return TypedResults.Created($"/api/v1/tenant/children/{child.Id}", TenantAnswers.Of(child));
    }

    private static async Task<Results<Ok<TenantContracts.Tenant>, Problem>> GetChildAsync(
        string childId,
        Caller caller,
        TenantDirectory tenants,
        HttpContext http
    )
    {
        if (await FindChildAsync(childId, caller, tenants, http).ConfigureAwait(false) is not { } child)
            return Problem.NotFound();
        Versions.Tell(http, child.Version);
        return TypedResults.Ok(TenantAnswers.Of(child));
    }

    private static async Task<Results<Ok<TenantContracts.Tenant>, Problem>> SuspendChildAsync(
        string childId,
        Caller caller,
        TenantDirectory tenants,
        HttpContext http
    ) =>
        await FindChildAsync(childId, caller, tenants, http).ConfigureAwait(false) is null
            ? Problem.NotFound()
            : await TenantsApi
                .ChangeAsync(childId, tenants, http, (id, version) => tenants.SuspendAsync(id, version, http.RequestAborted))
                .ConfigureAwait(false);

    private static async Task<Results<Ok<TenantContracts.Tenant>, Problem>> ResumeChildAsync(
        string childId,
        Caller caller,
        TenantDirectory tenants,
        HttpContext http
    ) =>
        await FindChildAsync(childId, caller, tenants, http).ConfigureAwait(false) is null
            ? Problem.NotFound()
            : await TenantsApi
                .ChangeAsync(childId, tenants, http, (id, version) => tenants.ResumeAsync(id, version, http.RequestAborted))
                .ConfigureAwait(false);

    private static async ValueTask<Tenancy.Tenant?> FindChildAsync(
        string childId,
        Caller caller,
        TenantDirectory tenants,
        HttpContext http
    ) =>
        TenantId.TryParse(childId, out var id)
        && await tenants.FindAsync(id, http.RequestAborted).ConfigureAwait(false) is { } child
        && child.Parent == caller.Tenant
            ? child
            : null;

    private static async ValueTask<Tenancy.Tenant> OwnAsync(Caller caller, TenantDirectory tenants, HttpContext http) =>
        await tenants.FindAsync(caller.Tenant, http.RequestAborted).ConfigureAwait(false)
        ?? throw new TenancyException(TenancyError.NotFound, "The tenant is gone.");
}
