using System.Security.Claims;
using Insa.Iiot.Tenancy;
using Insa.Iiot.Tenancy.Access;

namespace Insa.Iiot.AspNetCore.Authentication;

/// <summary>A request's user: made once for what somebody may do, and shared by all requests until that changes.</summary>
internal sealed class CallerPrincipal : ClaimsPrincipal
{
    private CallerPrincipal(ClaimsIdentity identity, AccessGrant grant, Caller caller)
        : base(identity) => (Grant, Caller) = (grant, caller);

    public AccessGrant Grant { get; }

    public Caller Caller { get; }

    /// <summary>The tenant, if it exists and is active.</summary>
    public Tenant? ActiveTenant => Grant.Tenant is { State: TenantState.Active } tenant ? tenant : null;

    public static CallerPrincipal Of(AccessGrant grant)
    {
        if (grant.Made is CallerPrincipal made)
            return made;
        var key = grant.Key;
        var claims = new List<Claim> { new("sub", key.Subject) };
        if (key.Tenant.IsSpecified)
            claims.Add(new Claim("tid", key.Tenant.Value));
        claims.AddRange(grant.Roles.Select(role => new Claim("role", role)));
        var caller = new Caller(
            key.Subject,
            !key.IsApiKey,
            key.Tenant.IsSpecified ? key.Tenant : null,
            grant.Permissions,
            grant.User?.IsOperator == true,
            key.Session,
            grant.ActsFrom
        );
        var identity = new ClaimsIdentity(claims, key.IsApiKey ? "ApiKey" : "Bearer", "sub", "role");
        made = new CallerPrincipal(identity, grant, caller);
        grant.Made = made;
        return made;
    }
}
