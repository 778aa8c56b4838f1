using Insa.Iiot.AspNetCore.Api;
using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.AspNetCore.RateLimiting;
using Insa.Iiot.Tenancy;
using Insa.Iiot.Tenancy.Access;
using Insa.Iiot.Tenancy.Quotas;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.AspNetCore.Authentication;

/// <summary>Opens sessions for who has shown who they are.</summary>
internal sealed class SignIn(
    UserSessions sessions,
    AccessTokens tokens,
    AccessDirectory access,
    TimeProvider time,
    IOptions<RestApiOptions> options
)
{
    private const int MostClients = 100_000;

    private readonly GateTable<ClientAddress> _attempts = new(RateLimit.Parse(options.Value.SignInRate), MostClients);
    private readonly GateTable<ClientAddress> _vainRefreshes = new(RateLimit.Parse(options.Value.SignInRate), MostClients);
    private readonly GateTable<string> _refreshes = new(RateLimit.Parse(options.Value.SignInRate), MostClients);
    private readonly GateClock _clock = new(time);

    /// <summary>The one answer to whatever is wrong.</summary>
    public static Problem Failed() =>
        new(ProblemKind.SignInFailed, "Something of it is wrong; or too much was wrong lately, and it has to wait.");

    /// <summary>Slows down who tries again and again, from wherever.</summary>
    public Problem? Throttle(HttpContext http)
    {
        var now = _clock.Now;
        return TooMany(_attempts.Of(ClientAddress.Of(http.Connection.RemoteIpAddress), now).TryTake(1, now));
    }

    /// <summary>
    /// Likewise for refresh tokens, apart. An address pays for those that do not hold, and a user for those that do: many people come from one
    /// address, and all of their sessions are renewed again and again.
    /// </summary>
    public Problem? ThrottleRefresh(HttpContext http, string token)
    {
        var now = _clock.Now;
        var wait = _vainRefreshes.Of(ClientAddress.Of(http.Connection.RemoteIpAddress), now).TryTake(1, now);
        if (wait == 0 && RefreshToken.TryParse(token, out var shown))
            wait = _refreshes.Of(shown.UserId, now).WaitFor(1, now);
        return TooMany(wait);
    }

    /// <summary>Says that a refresh token held.</summary>
    public void Refreshed(HttpContext http, string userId)
    {
        var now = _clock.Now;
        _vainRefreshes.Of(ClientAddress.Of(http.Connection.RemoteIpAddress), now).GiveBack(1);
        _refreshes.Of(userId, now).TryTake(1, now);
    }

    /// <summary>Opens a session; without a named tenant for the only one, if there is only one.</summary>
    public async Task<Results<Ok<AuthContracts.Tokens>, Problem>> OpenAsync(UserAccount user, string? tenantId, HttpContext http)
    {
        TenantId? tenant = user.Tenants.Count == 1 ? user.Tenants[0] : null;
        if (tenantId is not null)
        {
            if (!TenantId.TryParse(tenantId, out var named))
                return Failed();
            tenant = named;
        }

        var (session, refreshToken) = await sessions.OpenAsync(user.Id, tenant, http.RequestAborted).ConfigureAwait(false);
        if (tenant is { } wanted && !await MayWorkForAsync(user, session.Id, wanted, http.RequestAborted).ConfigureAwait(false))
        {
            await sessions.CloseAsync(user.Id, session.Id, http.RequestAborted).ConfigureAwait(false);
            return Failed();
        }

        return await AnswerAsync(user, session, refreshToken, http).ConfigureAwait(false);
    }

    /// <summary>Whether a user is a member of an active tenant, or administers one above it.</summary>
    public async Task<bool> MayWorkForAsync(UserAccount user, string session, TenantId tenant, CancellationToken cancellationToken)
    {
        var key = new AccessKey(user.Id, session, tenant, user.TokenVersion);
        return await access.FindAsync(key, cancellationToken).ConfigureAwait(false)
            is { Tenant.State: TenantState.Active, BelongsToTenant: true };
    }

    /// <summary>Takes the tenant from a session whose user does not belong there any more, or whose tenant leaves. A suspension takes nothing away.</summary>
    public async Task<UserSession> KeepTenantAsync(UserAccount user, UserSession session, CancellationToken cancellationToken)
    {
        if (session.Tenant is not { } tenant)
            return session;
        var grant = await access
            .FindAsync(new AccessKey(user.Id, session.Id, tenant, user.TokenVersion), cancellationToken)
            .ConfigureAwait(false);
        return grant is { BelongsToTenant: true, Tenant.State: TenantState.Active or TenantState.Suspended }
            ? session
            : await sessions.LeaveTenantAsync(session.Id, tenant, cancellationToken).ConfigureAwait(false);
    }

    public async Task<Ok<AuthContracts.Tokens>> AnswerAsync(UserAccount user, UserSession session, string? refreshToken, HttpContext http)
    {
        var (token, expiresAt) = await tokens.IssueAsync(session, http.RequestAborted).ConfigureAwait(false);
        AuditTrail.SignedIn(http, user.Id, session.Tenant);
        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(
            new AuthContracts.Tokens(
                token,
                "Bearer",
                (int)(expiresAt - time.GetUtcNow().UtcDateTime).TotalSeconds,
                refreshToken,
                user.Id,
                session.Tenant?.Value,
                [.. user.Tenants.Select(tenant => tenant.Value)]
            )
        );
    }

    private static Problem? TooMany(long wait) =>
        wait == 0 ? null : new Problem(ProblemKind.QuotaExceeded, "Too many attempts.") { RetryAfter = GateClock.ToTimeSpan(wait) };
}
