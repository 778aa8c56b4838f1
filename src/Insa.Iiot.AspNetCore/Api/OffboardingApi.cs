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

/// <summary>Tenants that leave, for operators of the platform: how far that is, and what they take along.</summary>
internal static class OffboardingApi
{
    private const string MediaType = "application/zip";

    public static void Map(RouteGroupBuilder api)
    {
        var offboarding = api.MapGroup("/tenants/{tenantId}/offboarding").WithTags("Tenants (operators)").RequireOperator();
        offboarding.MapGet("", GetAsync).WithName("getTenantOffboarding").WithSummary("How far a tenant that leaves has left");
        offboarding
            .MapGet("/archive", ExportAsync)
            .Audits("tenant.export")
            .Produces<Stream>(StatusCodes.Status200OK, MediaType)
            .WithMetadata(new ProblemTrait(ProblemKind.Conflict, "The tenant is deleted."))
            .WithName("exportTenant")
            .WithSummary("All that is kept of a tenant that leaves, as a zip archive");
    }

    private static async Task<Results<Ok<Offboarding>, Problem>> GetAsync(
        string tenantId,
        TenantOffboarding offboarding,
        TenantDirectory tenants,
        HttpContext http
    )
    {
        if (!TenantId.TryParse(tenantId, out var id))
            return Problem.NotFound();
        if (await offboarding.ReadAsync(id, http.RequestAborted).ConfigureAwait(false) is not { } status)
            return Problem.NotFound();
        return await tenants.FindAsync(id, http.RequestAborted).ConfigureAwait(false) is { } tenant
            ? TypedResults.Ok(new Offboarding(Names.Of(tenant.State), Utc(status.Since), Utc(status.DueAt), Utc(status.DeletedAt)))
            : Problem.NotFound();
    }

    // The data of tenants that stay is not the operator's to take. The archive is written once the log has it that it was taken; when that fails on the
    // way the connection breaks off, so that nobody has a part for the whole.
    private static async Task<Results<PushStreamHttpResult, Problem>> ExportAsync(
        string tenantId,
        TenantOffboarding offboarding,
        TenantDirectory tenants,
        HttpContext http
    )
    {
        if (
            !TenantId.TryParse(tenantId, out var id)
            || await tenants.FindAsync(id, http.RequestAborted).ConfigureAwait(false)
                is not { State: TenantState.Offboarding or TenantState.Deleted } tenant
        )
            return Problem.NotFound();
        if (tenant.State == TenantState.Deleted)
            return new Problem(ProblemKind.Conflict, "The tenant is deleted.");
        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.Stream(
            body => offboarding.ExportAsync(id, body, http.RequestAborted),
            MediaType,
            fileDownloadName: $"{id}.zip"
        );
    }

    private static DateTime? Utc(DateTime? time) => time is { } utc ? Times.Utc(utc) : null;
}
