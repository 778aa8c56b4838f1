using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Authentication;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Insa.Iiot.Tenancy.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.IdentityModel.Tokens;
using static Insa.Iiot.AspNetCore.Api.AuthContracts;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Sign-in, sessions, and who one is.</summary>
internal static class AuthApi
{
    public static void Map(RouteGroupBuilder api)
    {
        var auth = api.MapGroup("/auth").WithTags("Authentication");
        auth.MapPost("/login", LoginAsync)
            .Audits("auth.login")
            .AllowAnonymous()
            .WithName("login")
            .WithSummary("Sign in with e-mail address and password");
        auth.MapPost("/refresh", RefreshAsync)
            .Audits("auth.refresh")
            .AllowAnonymous()
            .WithName("refreshToken")
            .WithSummary("Get the next tokens of a session");
        auth.MapPost("/exchange", ExchangeAsync)
            .Audits("auth.exchange")
            .AllowAnonymous()
            .WithName("exchangeToken")
            .WithSummary("Sign in with another issuer's token");
        auth.MapGet("/keys", KeysAsync)
            .AllowAnonymous()
            .WithName("listSigningKeys")
            .WithSummary("The keys that sign access tokens (RFC 7517)");
        auth.MapPost("/invitations/accept", AcceptAsync)
            .Audits("invitation.accept")
            .AllowAnonymous()
            .WithName("acceptInvitation")
            .WithSummary("Accept an invitation with a new account");
        auth.MapPost("/invitations/join", JoinAsync)
            .Audits("invitation.accept")
            .RequireUser()
            .WithName("joinTenant")
            .WithSummary("Accept an invitation as who one is");
        auth.MapPost("/switch", SwitchAsync)
            .Audits("auth.switch")
            .RequireUser()
            .WithName("switchTenant")
            .WithSummary("Work for another tenant, with a new token");
        auth.MapPost("/logout", LogoutAsync).Audits("auth.logout").RequireUser().WithName("logout").WithSummary("End the session");
        auth.MapPost("/password", ChangePasswordAsync)
            .Audits("auth.password")
            .RequireUser()
            .WithName("changePassword")
            .WithSummary("Change one's password; ends all sessions");
        auth.MapGet("/sessions", ListSessionsAsync).RequireUser().WithName("listSessions").WithSummary("One's sessions");
        auth.MapDelete("/sessions", CloseSessionsAsync)
            .Audits("session.delete")
            .RequireUser()
            .WithName("closeSessions")
            .WithSummary("End all of one's sessions");
        auth.MapDelete("/sessions/{sessionId}", CloseSessionAsync)
            .Audits("session.delete")
            .RequireUser()
            .WithName("closeSession")
            .WithSummary("End one of one's sessions");

        var me = api.MapGroup("").WithTags("Authentication");
        me.MapGet("/me", GetMe).RequireCaller().WithName("getMe").WithSummary("Who one is");
        me.MapGet("/me/permissions", GetPermissions).RequireTenant().WithName("getMyPermissions").WithSummary("What one may do");
        me.MapPost("/authz/check", Check).RequireTenant().WithName("checkPermissions").WithSummary("Whether one may do something");
    }

    private static async Task<Results<Ok<Tokens>, Problem>> LoginAsync(
        Body<Login> body,
        UserAccounts users,
        SignIn signIn,
        HttpContext http
    )
    {
        if (signIn.Throttle(http) is { } problem)
            return problem;
        var (email, password, tenantId) = body.Value;
        AuditTrail.About(http, email);
        var user = await users.VerifyPasswordAsync(email, password, http.RequestAborted).ConfigureAwait(false);
        return user is null ? SignIn.Failed() : await signIn.OpenAsync(user, tenantId, http).ConfigureAwait(false);
    }

    private static async Task<Results<Ok<Tokens>, Problem>> ExchangeAsync(
        Body<Exchange> body,
        UserAccounts users,
        ExternalTokens external,
        SignIn signIn,
        HttpContext http
    )
    {
        if (signIn.Throttle(http) is { } problem)
            return problem;
        if (await external.ReadEmailAsync(body.Value.Token, http.RequestAborted).ConfigureAwait(false) is not { } email)
            return SignIn.Failed();
        var user = await users.FindByEmailAsync(email, http.RequestAborted).ConfigureAwait(false);
        return user is null ? SignIn.Failed() : await signIn.OpenAsync(user, body.Value.TenantId, http).ConfigureAwait(false);
    }

    private static async Task<Results<Ok<Tokens>, Problem>> RefreshAsync(
        Body<Refresh> body,
        UserSessions sessions,
        UserAccounts users,
        SignIn signIn,
        HttpContext http
    )
    {
        if (signIn.ThrottleRefresh(http, body.Value.RefreshToken) is { } problem)
            return problem;
        if (await sessions.RefreshAsync(body.Value.RefreshToken, http.RequestAborted).ConfigureAwait(false) is not var (session, next))
            return SignIn.Failed();
        signIn.Refreshed(http, session.UserId);
        if (await users.FindAsync(session.UserId, http.RequestAborted).ConfigureAwait(false) is not { } user)
            return SignIn.Failed();
        session = await signIn.KeepTenantAsync(user, session, http.RequestAborted).ConfigureAwait(false);
        return await signIn.AnswerAsync(user, session, next, http).ConfigureAwait(false);
    }

    private static async Task<Results<Ok<Tokens>, Problem>> SwitchAsync(
        Body<Switch> body,
        Caller caller,
        UserAccounts users,
        UserSessions sessions,
        SignIn signIn,
        HttpContext http
    )
    {
        var user = await users.FindAsync(caller.Id, http.RequestAborted).ConfigureAwait(false);
        if (
            user is null
            || !TenantId.TryParse(body.Value.TenantId, out var tenant)
            || !await signIn.MayWorkForAsync(user, caller.Session!, tenant, http.RequestAborted).ConfigureAwait(false)
        )
            return Problem.NotFound();
        var session = await sessions.SwitchAsync(caller.Session!, tenant, http.RequestAborted).ConfigureAwait(false);
        return await signIn.AnswerAsync(user, session, refreshToken: null, http).ConfigureAwait(false);
    }

    private static async Task<NoContent> LogoutAsync(Caller caller, UserSessions sessions, HttpContext http)
    {
        await sessions.CloseAsync(caller.Id, caller.Session!, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, Problem>> ChangePasswordAsync(
        Body<ChangePassword> body,
        Caller caller,
        UserAccounts users,
        SignIn signIn,
        HttpContext http
    )
    {
        if (signIn.Throttle(http) is { } problem)
            return problem;
        var user = await users.FindAsync(caller.Id, http.RequestAborted).ConfigureAwait(false);
        if (
            user is null
            || await users.VerifyPasswordAsync(user.Email, body.Value.CurrentPassword, http.RequestAborted).ConfigureAwait(false) is null
        )
            return SignIn.Failed();
        await users.SetPasswordAsync(caller.Id, body.Value.NewPassword, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<Sessions>> ListSessionsAsync(Caller caller, UserSessions sessions, HttpContext http)
    {
        var found = await sessions.ListAsync(caller.Id, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(
            new Sessions([
                .. found.Select(session => new Session(
                    session.Id,
                    session.Tenant?.Value,
                    Times.Utc(session.CreatedAt),
                    Times.Utc(session.UsedAt),
                    Times.Utc(session.ExpiresAt),
                    session.Id == caller.Session
                )),
            ])
        );
    }

    private static async Task<NoContent> CloseSessionsAsync(Caller caller, UserSessions sessions, HttpContext http)
    {
        await sessions.CloseAllAsync(caller.Id, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, Problem>> CloseSessionAsync(
        string sessionId,
        Caller caller,
        UserSessions sessions,
        HttpContext http
    ) =>
        await sessions.CloseAsync(caller.Id, sessionId, http.RequestAborted).ConfigureAwait(false)
            ? TypedResults.NoContent()
            : Problem.NotFound();

    // Whatever is wrong with the token, and whoever it was for, the answer is the same.
    private static async Task<Results<Ok<Membership>, Problem>> AcceptAsync(
        Body<AcceptInvitation> body,
        TenantInvitations invitations,
        SignIn signIn,
        HttpContext http
    )
    {
        if (signIn.Throttle(http) is { } problem)
            return problem;
        var (token, displayName, password) = body.Value;
        var member = await invitations.AcceptAsNewAsync(token, displayName, password, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(ToMembership(token, member));
    }

    private static async Task<Ok<Membership>> JoinAsync(
        Body<JoinTenant> body,
        Caller caller,
        TenantInvitations invitations,
        HttpContext http
    )
    {
        var member = await invitations.AcceptAsync(body.Value.Token, caller.Id, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(ToMembership(body.Value.Token, member));
    }

    private static Membership ToMembership(string token, Member member) =>
        new(token[..token.IndexOf('.', StringComparison.Ordinal)], member.UserId, member.Roles);

    private static async Task<Ok<Jwks>> KeysAsync(SigningKeys keys, HttpContext http)
    {
        var all = await keys.ListAsync(http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(
            new Jwks([
                .. all.Select(key =>
                {
                    var point = key.ECDsa.ExportParameters(includePrivateParameters: false).Q;
                    return new Jwk(
                        "EC",
                        "P-256",
                        Base64UrlEncoder.Encode(point.X),
                        Base64UrlEncoder.Encode(point.Y),
                        key.KeyId,
                        "sig",
                        SecurityAlgorithms.EcdsaSha256
                    );
                }),
            ])
        );
    }

    private static Ok<Me> GetMe(HttpContext http)
    {
        var principal = (CallerPrincipal)http.User;
        var (grant, caller) = (principal.Grant, principal.Caller);
        return TypedResults.Ok(
            new Me(
                caller.Id,
                caller.IsUser ? "user" : "apiKey",
                grant.User?.Email,
                grant.User?.DisplayName ?? grant.ApiKey?.Name,
                caller.HasTenant ? caller.Tenant.Value : null,
                caller.ActsFrom?.Value,
                grant.Roles,
                [.. (grant.User?.Tenants ?? []).Select(tenant => tenant.Value)],
                caller.IsOperator
            )
        );
    }

    private static Ok<PermissionList> GetPermissions(Caller caller) => TypedResults.Ok(new PermissionList(caller.Permissions.Names));

    private static Results<Ok<CheckResults>, Problem> Check(Body<Check> body, Caller caller)
    {
        var asked = body.Value.Permissions;
        if (asked.Count is 0 or > 100)
            return Problem.Invalid("Ask for 1 to 100 permissions.", "/permissions");
        return asked.FirstOrDefault(name => !Permissions.All.Contains(name)) is { } unknown
            ? Problem.Invalid($"'{unknown}' is no permission: GET /api/v1/permissions lists them.", "/permissions")
            : TypedResults.Ok(new CheckResults([.. asked.Select(name => new CheckResult(name, caller.Permissions.Contains(name)))]));
    }
}
