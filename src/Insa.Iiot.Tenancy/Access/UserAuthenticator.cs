using System.Collections.Frozen;

namespace Insa.Iiot.Tenancy.Access;

/// <summary>Signs users in to protocols that have no sessions of the platform's own, for one tenant.</summary>
internal sealed class UserAuthenticator(UserAccounts users, TenantDirectory tenants, TenantMembers members) : IUserAuthenticator
{
    public async ValueTask<UserGrant?> AuthenticateAsync(
        string userName,
        ReadOnlyMemory<byte> password,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(userName);
        var (email, tenant) = Split(userName);
        try
        {
            var text = System.Text.Encoding.UTF8.GetString(password.Span);
            var user = await users.VerifyPasswordAsync(email, text, cancellationToken).ConfigureAwait(false);
            return user is null ? null : await GrantAsync(user, tenant, cancellationToken).ConfigureAwait(false);
        }
        catch (TenancyException e) when (e.Error is TenancyError.Busy or TenancyError.Changed)
        {
            throw new TelemetryStoreException("Too many passwords are being checked: try again later.", isTransient: true, e);
        }
    }

    public async ValueTask<UserGrant?> FindAsync(string userName, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(userName);
        var (email, tenant) = Split(userName);
        var user = await users.FindByEmailAsync(email, cancellationToken).ConfigureAwait(false);
        return user is null ? null : await GrantAsync(user, tenant, cancellationToken).ConfigureAwait(false);
    }

    // ann@example.com@acme; without a second sign it is the address alone.
    private static (string Email, TenantId? Tenant) Split(string userName)
    {
        var at = userName.LastIndexOf('@');
        var isWhole = at > 0 && userName.IndexOf('@', StringComparison.Ordinal) < at;
        return isWhole && TenantId.TryParse(userName[(at + 1)..], out var tenant) ? (userName[..at], tenant) : (userName, null);
    }

    private async ValueTask<UserGrant?> GrantAsync(UserAccount user, TenantId? named, CancellationToken cancellationToken)
    {
        var tenant =
            named
            ?? user.Tenants switch
            {
                [var only] => only,
                _ => (TenantId?)null,
            };
        if (
            tenant is not { } id
            || !user.Tenants.Contains(id)
            || await tenants.FindAsync(id, cancellationToken).ConfigureAwait(false) is not { State: TenantState.Active }
        )
            return null;
        var permissions = await members.GetPermissionsAsync(id, user.Id, cancellationToken).ConfigureAwait(false);
        return new UserGrant(id, user.Id, $"{user.Email}@{id}", user.TokenVersion, permissions.Names.ToFrozenSet(StringComparer.Ordinal));
    }
}
