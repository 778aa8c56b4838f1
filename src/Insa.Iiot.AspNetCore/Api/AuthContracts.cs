using System.ComponentModel;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>What sign-in takes and gives.</summary>
internal static class AuthContracts
{
    [Description("Signs a user in.")]
    internal sealed record Login(string Email, string Password, [property: Description("The tenant to work for.")] string? TenantId = null);

    internal sealed record Refresh(string RefreshToken);

    internal sealed record Exchange([property: Description("The other issuer's token.")] string Token, string? TenantId = null);

    internal sealed record Switch(string TenantId);

    internal sealed record ChangePassword(string CurrentPassword, string NewPassword);

    [Description("Accepts an invitation with a new account.")]
    internal sealed record AcceptInvitation(string Token, string DisplayName, string Password);

    [Description("Accepts an invitation with the account that has signed in.")]
    internal sealed record JoinTenant(string Token);

    internal sealed record Tokens(
        string AccessToken,
        string TokenType,
        [property: Description("Seconds until the access token expires.")] int ExpiresIn,
        [property: Description("Good for one use; null where the session's own stays good.")] string? RefreshToken,
        string UserId,
        [property: Description("The tenant that the token is for; null for none yet.")] string? TenantId,
        [property: Description("The tenants that the user is a member of.")] IReadOnlyList<string> Tenants
    );

    internal sealed record Session(string Id, string? TenantId, DateTime CreatedAt, DateTime UsedAt, DateTime ExpiresAt, bool IsCurrent);

    internal sealed record Sessions(IReadOnlyList<Session> Items);

    internal sealed record Membership(string TenantId, string UserId, IReadOnlyList<string> RoleIds);

    internal sealed record Me(
        string Id,
        [property: Description("user or apiKey")] string Kind,
        string? Email,
        string? DisplayName,
        string? TenantId,
        [property: Description("The tenant above by whose administrator's rights you act here.")] string? ActsFromTenantId,
        IReadOnlyList<string> RoleIds,
        IReadOnlyList<string> Tenants,
        bool IsOperator
    );

    internal sealed record PermissionList(IReadOnlyList<string> Permissions);

    internal sealed record Check(IReadOnlyList<string> Permissions);

    internal sealed record CheckResult(string Permission, bool Allowed);

    internal sealed record CheckResults(IReadOnlyList<CheckResult> Results);

    internal sealed record Jwk(string Kty, string Crv, string X, string Y, string Kid, string Use, string Alg);

    internal sealed record Jwks(IReadOnlyList<Jwk> Keys);
}
