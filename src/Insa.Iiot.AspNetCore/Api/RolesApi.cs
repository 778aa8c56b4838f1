using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using static Insa.Iiot.AspNetCore.Api.AccessContracts;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>What can be permitted, roles, and who holds which.</summary>
internal static class RolesApi
{
    public static void Map(RouteGroupBuilder api)
    {
        var roles = api.MapGroup("").WithTags("Roles");
        roles.MapGet("/permissions", ListPermissions).RequireCaller().WithName("listPermissions").WithSummary("All that can be permitted");
        roles.MapGet("/roles", ListAsync).RequireTenant().WithName("listRoles").WithSummary("The built-in roles and the tenant's own");
        roles.MapGet("/roles/{roleId}", GetAsync).RequireTenant().WithName("getRole").WithSummary("A role");
        roles
            .MapPost("/roles", CreateAsync)
            .RequirePermission(Permissions.RolesAdmin)
            .TakesIdempotencyKey()
            .Audits("role.create")
            .WithName("createRole")
            .WithSummary("Make a role");
        roles
            .MapPut("/roles/{roleId}", UpdateAsync)
            .Audits("role.update")
            .RequirePermission(Permissions.RolesAdmin)
            .TakesVersion()
            .WithName("updateRole")
            .WithSummary("Change a role");
        roles
            .MapDelete("/roles/{roleId}", DeleteAsync)
            .Audits("role.delete")
            .RequirePermission(Permissions.RolesAdmin)
            .TakesVersion()
            .WithName("deleteRole")
            .WithSummary("Delete a role");
        roles
            .MapGet("/users/{userId}/roles", ListOfUserAsync)
            .RequirePermission(Permissions.UsersAdmin)
            .WithName("listUserRoles")
            .WithSummary("The roles of a member");
        roles
            .MapPut("/users/{userId}/roles/{roleId}", GrantAsync)
            .Audits("role.grant")
            .RequirePermission(Permissions.UsersAdmin)
            .WithName("grantRole")
            .WithSummary("Give a member a role");
        roles
            .MapDelete("/users/{userId}/roles/{roleId}", RevokeAsync)
            .Audits("role.revoke")
            .RequirePermission(Permissions.UsersAdmin)
            .WithName("revokeRole")
            .WithSummary("Take a role from a member");
    }

    internal static AccessContracts.Role ToAnswer(Tenancy.Role role) =>
        new(role.Id, role.Name, role.Permissions.Names, role.IsBuiltIn, role.Version);

    private static Ok<AuthContracts.PermissionList> ListPermissions() => TypedResults.Ok(new AuthContracts.PermissionList(Permissions.All));

    private static async Task<Ok<RoleList>> ListAsync(Caller caller, TenantRoles roles, HttpContext http)
    {
        var all = await roles.ListAsync(caller.Tenant, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(new RoleList([.. all.Select(ToAnswer)]));
    }

    private static async Task<Results<Ok<AccessContracts.Role>, StatusCodeHttpResult, Problem>> GetAsync(
        string roleId,
        Caller caller,
        TenantRoles roles,
        HttpContext http
    )
    {
        if (await roles.FindAsync(caller.Tenant, roleId, http.RequestAborted).ConfigureAwait(false) is not { } role)
            return Problem.NotFound();
        return Versions.Answer(http, role.Version, ToAnswer(role));
    }

    private static async Task<Created<AccessContracts.Role>> CreateAsync(
        Body<NewRole> body,
        Caller caller,
        TenantRoles roles,
        HttpContext http
    )
    {
        var role = await roles
            .CreateAsync(caller.Tenant, caller.Actor, body.Value.Name, PermissionSet.Of(body.Value.Permissions), http.RequestAborted)
            .ConfigureAwait(false);
        Versions.Tell(http, role.Version);
        return TypedResults.Created($"/api/v1/roles/{role.Id}", ToAnswer(role));
    }

    private static async Task<Results<Ok<AccessContracts.Role>, Problem>> UpdateAsync(
        string roleId,
        Body<NewRole> body,
        Caller caller,
        TenantRoles roles,
        HttpContext http
    )
    {
        if (await FindOwnAsync(roleId, caller, roles, http).ConfigureAwait(false) is not { } seen)
            return Problem.NotFound();
        if (Versions.Read(http, seen.Version, out _) is { } problem)
            return problem;
        var permissions = PermissionSet.Of(body.Value.Permissions);
        var role = await roles
            .UpdateAsync(caller.Tenant, caller.Actor, seen, body.Value.Name, permissions, http.RequestAborted)
            .ConfigureAwait(false);
        Versions.Tell(http, role.Version);
        return TypedResults.Ok(ToAnswer(role));
    }

    private static async Task<Results<NoContent, Problem>> DeleteAsync(string roleId, Caller caller, TenantRoles roles, HttpContext http)
    {
        if (await FindOwnAsync(roleId, caller, roles, http).ConfigureAwait(false) is not { } seen)
            return Problem.NotFound();
        if (Versions.Read(http, seen.Version, out _) is { } problem)
            return problem;
        await roles.DeleteAsync(caller.Tenant, caller.Actor, seen, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<RoleList>, Problem>> ListOfUserAsync(
        string userId,
        Caller caller,
        TenantMembers members,
        TenantRoles roles,
        HttpContext http
    )
    {
        if (await members.FindAsync(caller.Tenant, userId, http.RequestAborted).ConfigureAwait(false) is not { } member)
            return Problem.NotFound();
        var held = new List<AccessContracts.Role>();
        foreach (var id in member.Roles)
        {
            if (await roles.FindAsync(caller.Tenant, id, http.RequestAborted).ConfigureAwait(false) is { } role)
                held.Add(ToAnswer(role));
        }

        return TypedResults.Ok(new RoleList(held));
    }

    private static Task<NoContent> GrantAsync(string userId, string roleId, Caller caller, TenantMembers members, HttpContext http) =>
        SetAsync(userId, roleId, isHeld: true, caller, members, http);

    private static Task<NoContent> RevokeAsync(string userId, string roleId, Caller caller, TenantMembers members, HttpContext http) =>
        SetAsync(userId, roleId, isHeld: false, caller, members, http);

    private static async Task<NoContent> SetAsync(
        string userId,
        string roleId,
        bool isHeld,
        Caller caller,
        TenantMembers members,
        HttpContext http
    )
    {
        await members.SetRoleAsync(caller.Tenant, caller.Actor, userId, roleId, isHeld, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.NoContent();
    }

    private static async ValueTask<Tenancy.Role?> FindOwnAsync(string roleId, Caller caller, TenantRoles roles, HttpContext http) =>
        await roles.FindAsync(caller.Tenant, roleId, http.RequestAborted).ConfigureAwait(false) is { IsBuiltIn: false } role ? role : null;
}
