using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using static Insa.Iiot.AspNetCore.Api.AuthorityContracts;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>The authorities whose certificates let the tenant's devices connect.</summary>
internal static class AuthoritiesApi
{
    public static void Map(RouteGroupBuilder api)
    {
        var authorities = api.MapGroup("/device-authorities").WithTags("Devices");
        authorities
            .MapGet("", ListAsync)
            .RequirePermission(Permissions.DevicesRead)
            .WithName("listDeviceAuthorities")
            .WithSummary("The authorities whose certificates let devices connect");
        authorities
            .MapPost("", AddAsync)
            .RequirePermission(Permissions.DevicesAdmin)
            .Audits("authority.create")
            .WithName("addDeviceAuthority")
            .WithSummary("Let certificates of an authority stand for the devices that they name");
        authorities
            .MapGet("/{authorityId}", GetAsync)
            .RequirePermission(Permissions.DevicesRead)
            .WithName("getDeviceAuthority")
            .WithSummary("An authority");
        authorities
            .MapDelete("/{authorityId}", RemoveAsync)
            .RequirePermission(Permissions.DevicesAdmin)
            .Audits("authority.delete")
            .WithName("removeDeviceAuthority")
            .WithSummary("Trust an authority no more");

        var revocations = authorities.MapGroup("/{authorityId}/revocations");
        revocations
            .MapGet("", ListRevokedAsync)
            .RequirePermission(Permissions.DevicesRead)
            .WithName("listRevokedCertificates")
            .WithSummary("Certificates of an authority that let nobody in");
        revocations
            .MapPost("", RevokeAsync)
            .RequirePermission(Permissions.DevicesWrite)
            .Audits("certificate.revoke")
            .WithName("revokeCertificate")
            .WithSummary("Take a certificate of an authority out of use");
        revocations
            .MapDelete("/{serial}", ReinstateAsync)
            .RequirePermission(Permissions.DevicesAdmin)
            .Audits("certificate.reinstate")
            .WithName("reinstateCertificate")
            .WithSummary("Put a revoked certificate back into use");
    }

    private static async Task<Ok<AuthorityList>> ListAsync(Caller caller, DeviceAuthorities authorities, HttpContext http)
    {
        var found = await authorities.ListAsync(caller.Tenant, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(new AuthorityList([.. found.Select(ToAnswer)]));
    }

    private static async Task<Results<Created<Authority>, Problem>> AddAsync(
        Body<NewAuthority> body,
        Caller caller,
        DeviceAuthorities authorities,
        HttpContext http
    )
    {
        X509Certificate2 certificate;
        try
        {
            certificate = X509Certificate2.CreateFromPem(body.Value.Certificate);
        }
        catch (CryptographicException)
        {
            return Problem.Invalid("It is no certificate in PEM.", "/certificate");
        }

        using (certificate)
        {
            var added = await authorities.AddAsync(caller.Tenant, certificate, body.Value.Name, http.RequestAborted).ConfigureAwait(false);
            return TypedResults.Created($"/api/v1/device-authorities/{added.Id}", ToAnswer(added));
        }
    }

    private static async Task<Results<Ok<Authority>, Problem>> GetAsync(
        string authorityId,
        Caller caller,
        DeviceAuthorities authorities,
        HttpContext http
    ) =>
        await authorities.FindAsync(caller.Tenant, authorityId, http.RequestAborted).ConfigureAwait(false) is { } found
            ? TypedResults.Ok(ToAnswer(found))
            : Problem.NotFound();

    private static async Task<Results<NoContent, Problem>> RemoveAsync(
        string authorityId,
        Caller caller,
        DeviceAuthorities authorities,
        HttpContext http
    ) =>
        await authorities.RemoveAsync(caller.Tenant, authorityId, http.RequestAborted).ConfigureAwait(false)
            ? TypedResults.NoContent()
            : Problem.NotFound();

    private static async Task<Results<Ok<Page<Revocation>>, Problem>> ListRevokedAsync(
        string authorityId,
        [AsParameters] PageQuery page,
        Caller caller,
        DeviceAuthorities authorities,
        HttpContext http
    )
    {
        var list = $"revocations of {authorityId} of {caller.Tenant}";
        if (page.Read(list, out var after) is { } problem)
            return problem;
        if (await authorities.FindAsync(caller.Tenant, authorityId, http.RequestAborted).ConfigureAwait(false) is null)
            return Problem.NotFound();
        var found = await authorities
            .ListRevokedAsync(caller.Tenant, authorityId, after, page.Count, http.RequestAborted)
            .ConfigureAwait(false);
        return TypedResults.Ok(page.ToPage(list, found, ToAnswer, revoked => revoked.Serial));
    }

    private static async Task<Results<Ok<Revocation>, Problem>> RevokeAsync(
        string authorityId,
        Body<NewRevocation> body,
        Caller caller,
        DeviceAuthorities authorities,
        HttpContext http
    ) =>
        await authorities.RevokeAsync(caller.Tenant, authorityId, body.Value.Serial, http.RequestAborted).ConfigureAwait(false)
            is { } revoked
            ? TypedResults.Ok(ToAnswer(revoked))
            : Problem.NotFound();

    private static async Task<Results<NoContent, Problem>> ReinstateAsync(
        string authorityId,
        string serial,
        Caller caller,
        DeviceAuthorities authorities,
        HttpContext http
    ) =>
        await authorities.ReinstateAsync(caller.Tenant, authorityId, serial, http.RequestAborted).ConfigureAwait(false)
            ? TypedResults.NoContent()
            : Problem.NotFound();

    private static Authority ToAnswer(DeviceAuthority authority) =>
        new(
            authority.Id,
            authority.Name,
            authority.Subject,
            Times.Utc(authority.NotBefore),
            Times.Utc(authority.NotAfter),
            Times.Utc(authority.CreatedAt)
        );

    private static Revocation ToAnswer(RevokedCertificate revoked) => new(revoked.Serial, Times.Utc(revoked.RevokedAt));
}
