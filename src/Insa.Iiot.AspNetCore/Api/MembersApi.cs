using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.AspNetCore.RateLimiting;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using static Insa.Iiot.AspNetCore.Api.AccessContracts;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Who is a member, who is invited, and which programs have keys.</summary>
internal static class MembersApi
{
    public static void Map(RouteGroupBuilder api)
    {
        var members = api.MapGroup("/members").WithTags("Members").RequirePermission(Permissions.UsersAdmin);
        members.MapGet("", ListAsync).WithName("listMembers").WithSummary("The members of the tenant");
        members.MapGet("/{userId}", GetAsync).WithName("getMember").WithSummary("A member");
        members
            .MapPut("/{userId}/roles", SetRolesAsync)
            .Audits("member.update")
            .WithName("setMemberRoles")
            .WithSummary("Give a member other roles, all of them");
        members
            .MapDelete("/{userId}", RemoveAsync)
            .Audits("member.delete")
            .WithName("removeMember")
            .WithSummary("Take a user out of the tenant");

        var invitations = api.MapGroup("/invitations").WithTags("Members").RequirePermission(Permissions.UsersAdmin);
        invitations.MapGet("", ListInvitationsAsync).WithName("listInvitations").WithSummary("The invitations of the tenant");
        invitations
            .MapPost("", InviteAsync)
            .TakesIdempotencyKey()
            .Audits("invitation.create")
            .WithName("invite")
            .WithSummary("Invite somebody to the tenant");
        invitations
            .MapDelete("/{invitationId}", RevokeInvitationAsync)
            .Audits("invitation.revoke")
            .WithName("revokeInvitation")
            .WithSummary("Take an invitation back");

        var keys = api.MapGroup("/api-keys").WithTags("API keys");
        keys.MapGet("", ListKeysAsync)
            .RequirePermission(Permissions.SettingsRead)
            .WithName("listApiKeys")
            .WithSummary("The API keys of the tenant");
        keys.MapGet("/{apiKeyId}", GetKeyAsync).RequirePermission(Permissions.SettingsRead).WithName("getApiKey").WithSummary("An API key");
        keys.MapPost("", CreateKeyAsync)
            .RequirePermission(Permissions.SettingsAdmin)
            .TakesIdempotencyKey()
            .Audits("api-key.create")
            .WithName("createApiKey")
            .WithSummary("Make an API key; it is shown once");
        keys.MapDelete("/{apiKeyId}", RevokeKeyAsync)
            .Audits("api-key.revoke")
            .RequirePermission(Permissions.SettingsAdmin)
            .WithName("revokeApiKey")
            .WithSummary("Delete an API key");
    }

    private static async Task<Results<Ok<Page<AccessContracts.Member>>, Problem>> ListAsync(
        [AsParameters] PageQuery page,
        Caller caller,
        TenantMembers members,
        UserAccounts users,
        HttpContext http
    )
    {
        var list = $"members of {caller.Tenant}";
        if (page.Read(list, out var after) is { } problem)
            return problem;
        var found = await members.ListAsync(caller.Tenant, after, page.Count, http.RequestAborted).ConfigureAwait(false);
        var answers = new List<AccessContracts.Member>(found.Count);
        foreach (var member in found)
            answers.Add(await ToAnswerAsync(member, users, http).ConfigureAwait(false));
        return TypedResults.Ok(page.ToPage(list, answers, member => member, member => member.UserId));
    }

    private static async Task<Results<Ok<AccessContracts.Member>, Problem>> GetAsync(
        string userId,
        Caller caller,
        TenantMembers members,
        UserAccounts users,
        HttpContext http
    )
    {
        if (await members.FindAsync(caller.Tenant, userId, http.RequestAborted).ConfigureAwait(false) is not { } member)
            return Problem.NotFound();
        Versions.Tell(http, member.Version);
        return TypedResults.Ok(await ToAnswerAsync(member, users, http).ConfigureAwait(false));
    }

    private static async Task<Ok<AccessContracts.Member>> SetRolesAsync(
        string userId,
        Body<RoleIds> body,
        Caller caller,
        TenantMembers members,
        UserAccounts users,
        HttpContext http
    )
    {
        var member = await members
            .SetRolesAsync(caller.Tenant, caller.Actor, userId, [.. body.Value.Ids], http.RequestAborted)
            .ConfigureAwait(false);
        return TypedResults.Ok(await ToAnswerAsync(member, users, http).ConfigureAwait(false));
    }

    private static async Task<NoContent> RemoveAsync(string userId, Caller caller, TenantMembers members, HttpContext http)
    {
        await members.RemoveAsync(caller.Tenant, caller.Actor, userId, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.NoContent();
    }

    internal static async ValueTask<AccessContracts.Member> ToAnswerAsync(Tenancy.Member member, UserAccounts users, HttpContext http)
    {
        var user = await users.FindAsync(member.UserId, http.RequestAborted).ConfigureAwait(false);
        return new AccessContracts.Member(
            member.UserId,
            user?.DisplayName ?? "",
            user?.Email ?? "",
            member.Roles,
            Times.Utc(member.Since),
            member.Version
        );
    }

    private static async Task<Results<Ok<Page<AccessContracts.Invitation>>, Problem>> ListInvitationsAsync(
        [AsParameters] PageQuery page,
        Caller caller,
        TenantInvitations invitations,
        HttpContext http
    )
    {
        var list = $"invitations of {caller.Tenant}";
        if (page.Read(list, out var after) is { } problem)
            return problem;
        var found = await invitations.ListAsync(caller.Tenant, after, page.Count, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(page.ToPage(list, found, invitation => ToAnswer(invitation, token: null), invitation => invitation.Id));
    }

    private static async Task<Results<Created<AccessContracts.Invitation>, Problem>> InviteAsync(
        Body<NewInvitation> body,
        Caller caller,
        TenantInvitations invitations,
        TenantDirectory tenants,
        IEnumerable<IInvitationSender> senders,
        InvitationRates rates,
        HttpContext http
    )
    {
        if (rates.Take(caller.Tenant) is { } problem)
            return problem;
        var (invitation, token) = await invitations
            .InviteAsync(caller.Tenant, caller.Actor, body.Value.Email, [.. body.Value.RoleIds], http.RequestAborted)
            .ConfigureAwait(false);
        var sender = senders.LastOrDefault();
        if (sender is not null)
        {
            var tenant = await tenants.FindAsync(caller.Tenant, http.RequestAborted).ConfigureAwait(false);
            try
            {
                await sender
                    .SendAsync(invitation, tenant?.DisplayName ?? caller.Tenant.Value, token, http.RequestAborted)
                    .ConfigureAwait(false);
            }
            catch (InvitationDeliveryException e)
            {
                // Nobody has its token: it is of no use.
                await invitations.RevokeAsync(caller.Tenant, invitation.Id, CancellationToken.None).ConfigureAwait(false);
                return new Problem(
                    ProblemKind.NotDelivered,
                    e.IsTransient ? "Invite again later." : "Check the address, and what the host sends mail with."
                );
            }
        }

        return TypedResults.Created($"/api/v1/invitations/{invitation.Id}", ToAnswer(invitation, sender is null ? token : null));
    }

    private static async Task<Results<NoContent, Problem>> RevokeInvitationAsync(
        string invitationId,
        Caller caller,
        TenantInvitations invitations,
        HttpContext http
    ) =>
        await invitations.RevokeAsync(caller.Tenant, invitationId, http.RequestAborted).ConfigureAwait(false)
            ? TypedResults.NoContent()
            : Problem.NotFound();

    private static AccessContracts.Invitation ToAnswer(Tenancy.Invitation invitation, string? token) =>
        new(
            invitation.Id,
            invitation.Email,
            invitation.Roles,
            invitation.InvitedBy,
            Times.Utc(invitation.ExpiresAt),
            Names.Of(invitation.State),
            token
        );

    private static async Task<Results<Ok<Page<AccessContracts.ApiKey>>, Problem>> ListKeysAsync(
        [AsParameters] PageQuery page,
        Caller caller,
        ApiKeys keys,
        HttpContext http
    )
    {
        var list = $"keys of {caller.Tenant}";
        if (page.Read(list, out var after) is { } problem)
            return problem;
        var found = await keys.ListAsync(caller.Tenant, after, page.Count, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(page.ToPage(list, found, key => ToAnswer(key, text: null), key => key.Id));
    }

    private static async Task<Results<Ok<AccessContracts.ApiKey>, Problem>> GetKeyAsync(
        string apiKeyId,
        Caller caller,
        ApiKeys keys,
        HttpContext http
    ) =>
        await keys.FindAsync(caller.Tenant, apiKeyId, http.RequestAborted).ConfigureAwait(false) is { } key
            ? TypedResults.Ok(ToAnswer(key, text: null))
            : Problem.NotFound();

    private static async Task<Created<AccessContracts.ApiKey>> CreateKeyAsync(
        Body<NewApiKey> body,
        Caller caller,
        ApiKeys keys,
        HttpContext http
    )
    {
        var (name, permissions, expiresAt) = body.Value;
        var (key, text) = await keys.CreateAsync(
                caller.Tenant,
                caller.Actor,
                name,
                PermissionSet.Of(permissions),
                expiresAt?.ToUniversalTime(),
                http.RequestAborted
            )
            .ConfigureAwait(false);
        return TypedResults.Created($"/api/v1/api-keys/{key.Id}", ToAnswer(key, text));
    }

    private static async Task<Results<NoContent, Problem>> RevokeKeyAsync(string apiKeyId, Caller caller, ApiKeys keys, HttpContext http) =>
        await keys.RevokeAsync(caller.Tenant, apiKeyId, http.RequestAborted).ConfigureAwait(false)
            ? TypedResults.NoContent()
            : Problem.NotFound();

    private static AccessContracts.ApiKey ToAnswer(Tenancy.ApiKey key, string? text) =>
        new(
            key.Id,
            key.Name,
            key.Permissions.Names,
            key.CreatedBy,
            Times.Utc(key.CreatedAt),
            key.ExpiresAt is { } end ? Times.Utc(end) : null,
            text
        );
}
