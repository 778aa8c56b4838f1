using System.ComponentModel;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Roles, members, invitations and API keys.</summary>
internal static class AccessContracts
{
    internal sealed record Role(
        string Id,
        string Name,
        IReadOnlyList<string> Permissions,
        [property: Description("Every tenant has it, and nobody can change it.")] bool IsBuiltIn,
        long Version
    );

    internal sealed record RoleList(IReadOnlyList<Role> Items);

    internal sealed record NewRole(string Name, IReadOnlyList<string> Permissions);

    internal sealed record Member(
        string UserId,
        string DisplayName,
        string Email,
        IReadOnlyList<string> RoleIds,
        DateTime Since,
        long Version
    );

    internal sealed record NewMember(string UserId, IReadOnlyList<string> RoleIds);

    internal sealed record RoleIds([property: Description("All roles that the member is to hold.")] IReadOnlyList<string> Ids);

    internal sealed record NewInvitation(string Email, IReadOnlyList<string> RoleIds);

    internal sealed record Invitation(
        string Id,
        string Email,
        IReadOnlyList<string> RoleIds,
        string InvitedBy,
        DateTime ExpiresAt,
        [property: Description("open, used or revoked")] string State,
        [property: Description("Only once, and only where nobody is set up to send it.")] string? Token = null
    );

    internal sealed record NewApiKey(string Name, IReadOnlyList<string> Permissions, DateTime? ExpiresAt = null);

    internal sealed record ApiKey(
        string Id,
        string Name,
        IReadOnlyList<string> Permissions,
        string CreatedBy,
        DateTime CreatedAt,
        DateTime? ExpiresAt,
        [property: Description("The key itself, only once.")] string? Key = null
    );
}
