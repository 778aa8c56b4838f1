namespace Insa.Iiot.Tenancy;

/// <summary>An invitation to become a member.</summary>
/// <param name="Id">Names it within its tenant.</param>
/// <param name="Tenant">The tenant.</param>
/// <param name="Email">Whom it is for: nobody else can accept it.</param>
/// <param name="Roles">The roles that come with it.</param>
/// <param name="InvitedBy">The user who invited.</param>
/// <param name="ExpiresAt">Until when it can be accepted, UTC.</param>
/// <param name="State">What has become of it.</param>
/// <param name="Version">Counts changes.</param>
public sealed record Invitation(
    string Id,
    TenantId Tenant,
    string Email,
    IReadOnlyList<string> Roles,
    string InvitedBy,
    DateTime ExpiresAt,
    InvitationState State,
    long Version
);
