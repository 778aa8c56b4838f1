namespace Insa.Iiot.Tenancy;

/// <summary>A user's session: all the access tokens and refresh tokens that come of one sign-in.</summary>
/// <param name="Id">Names it among all sessions.</param>
/// <param name="UserId">Whose it is.</param>
/// <param name="Tenant">The tenant that the user works in; <see langword="null"/> for none yet.</param>
/// <param name="TokenVersion">The <see cref="UserAccount.TokenVersion"/> that it was opened with: with another, it has ended.</param>
/// <param name="CreatedAt">When the user signed in, UTC.</param>
/// <param name="UsedAt">When it was last refreshed, UTC.</param>
/// <param name="ExpiresAt">Until when it can be refreshed, UTC.</param>
public sealed record UserSession(
    string Id,
    string UserId,
    TenantId? Tenant,
    long TokenVersion,
    DateTime CreatedAt,
    DateTime UsedAt,
    DateTime ExpiresAt
);
