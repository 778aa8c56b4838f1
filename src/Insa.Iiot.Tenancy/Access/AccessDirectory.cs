using System.Collections.Concurrent;
using Insa.Iiot.Tenancy.Records;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy.Access;

/// <summary>
/// Says what somebody may do, from memory while that is fresh. What is changed by way of this host is forgotten at once, what others change
/// after <see cref="TenancyOptions.SnapshotLifetime"/>.
/// </summary>
internal sealed class AccessDirectory
{
    private const int MostKept = 20_000;

    /// <summary>How many tenants may lie one below the other.</summary>
    public const int MaxDepth = 8;

    private readonly TenantDirectory _tenants;
    private readonly TenantMembers _members;
    private readonly TenantRoles _roles;
    private readonly UserAccounts _users;
    private readonly UserSessions _sessions;
    private readonly ApiKeys _keys;
    private readonly TimeProvider _time;
    private readonly TimeSpan _lifetime;
    private readonly ConcurrentDictionary<AccessKey, AccessGrant> _kept = new();
    private long _generation;

    public AccessDirectory(
        WatchedControlStore store,
        TenantDirectory tenants,
        TenantMembers members,
        TenantRoles roles,
        UserAccounts users,
        UserSessions sessions,
        ApiKeys keys,
        TimeProvider time,
        IOptions<TenancyOptions> options
    )
    {
        (_tenants, _members, _roles, _users, _sessions, _keys, _time) = (tenants, members, roles, users, sessions, keys, time);
        _lifetime = options.Value.SnapshotLifetime;
        store.Changing += Forget;
    }

    /// <returns><see langword="null"/> if there is no such subject any more, or the session has ended.</returns>
    public ValueTask<AccessGrant?> FindAsync(AccessKey key, CancellationToken cancellationToken) =>
        _kept.TryGetValue(key, out var kept) && _time.GetElapsedTime(kept.ReadAt) < _lifetime
            ? new(kept)
            : ReadAsync(key, cancellationToken);

    private async ValueTask<AccessGrant?> ReadAsync(AccessKey key, CancellationToken cancellationToken)
    {
        var generation = Volatile.Read(ref _generation);
        var access = key.IsApiKey
            ? await ReadApiKeyAsync(key, cancellationToken).ConfigureAwait(false)
            : await ReadUserAsync(key, cancellationToken).ConfigureAwait(false);
        if (access is null)
        {
            _kept.TryRemove(key, out _);
            return null;
        }

        if (_kept.Count >= MostKept)
            _kept.Clear();
        _kept[key] = access;

        // What was changed while it was read may not be in it.
        if (generation != Volatile.Read(ref _generation))
            _kept.TryRemove(new KeyValuePair<AccessKey, AccessGrant>(key, access));
        return access;
    }

    private async ValueTask<AccessGrant?> ReadApiKeyAsync(AccessKey key, CancellationToken cancellationToken)
    {
        var readAt = _time.GetTimestamp();
        var apiKey = await _keys.FindAsync(key.Tenant, key.Subject, cancellationToken).ConfigureAwait(false);
        if (apiKey is null || apiKey.ExpiresAt <= _time.GetUtcNow().UtcDateTime)
            return null;
        return new AccessGrant
        {
            Key = key,
            Tenant = await _tenants.FindAsync(key.Tenant, cancellationToken).ConfigureAwait(false),
            BelongsToTenant = true,
            Permissions = apiKey.Permissions,
            ApiKey = apiKey,
            ReadAt = readAt,
        };
    }

    private async ValueTask<AccessGrant?> ReadUserAsync(AccessKey key, CancellationToken cancellationToken)
    {
        var readAt = _time.GetTimestamp();
        var user = await _users.FindAsync(key.Subject, cancellationToken).ConfigureAwait(false);
        if (user is null || user.TokenVersion != key.TokenVersion)
            return null;
        if (
            !RefreshToken.IsOfUser(key.Session!, user.Id)
            || await _sessions.FindAsync(key.Session!, cancellationToken).ConfigureAwait(false) is null
        )
            return null;
        var access = new AccessGrant
        {
            Key = key,
            User = user,
            ReadAt = readAt,
        };
        return key.Tenant.IsSpecified ? await WithTenantAsync(access, user, key.Tenant, cancellationToken).ConfigureAwait(false) : access;
    }

    private async ValueTask<AccessGrant?> WithTenantAsync(
        AccessGrant access,
        UserAccount user,
        TenantId tenant,
        CancellationToken cancellationToken
    )
    {
        var record = await _tenants.FindAsync(tenant, cancellationToken).ConfigureAwait(false);
        var member = await _members.FindAsync(tenant, user.Id, cancellationToken).ConfigureAwait(false);
        var above =
            member is null && record is not null ? await FindAboveAsync(record, user.Id, cancellationToken).ConfigureAwait(false) : null;
        return new AccessGrant
        {
            Key = access.Key,
            User = user,
            ReadAt = access.ReadAt,
            Tenant = record,
            BelongsToTenant = member is not null || above is not null,
            Permissions =
                member is not null ? await _roles.ResolveAsync(tenant, member.Roles, cancellationToken).ConfigureAwait(false)
                : above is not null ? PermissionSet.All
                : default,
            Roles = member?.Roles ?? [],
            ActsFrom = above,
        };
    }

    /// <summary>Finds the nearest active tenant above that a user administers.</summary>
    private async ValueTask<TenantId?> FindAboveAsync(Tenant tenant, string userId, CancellationToken cancellationToken)
    {
        for (var depth = 0; depth < MaxDepth && tenant.Parent is { } id; depth++)
        {
            if (await _tenants.FindAsync(id, cancellationToken).ConfigureAwait(false) is not { State: TenantState.Active } parent)
                return null;
            var permissions = await _members.GetPermissionsAsync(id, userId, cancellationToken).ConfigureAwait(false);
            if (permissions.Contains(Tenancy.Permissions.TenantAdmin))
                return id;
            tenant = parent;
        }

        return null;
    }

    private void Forget(IReadOnlyList<ControlChange> changes)
    {
        foreach (var change in changes)
        {
            if (!Concerns(change))
                continue;
            Interlocked.Increment(ref _generation);
            foreach (var (key, access) in _kept)
            {
                if (IsOf(change, key, access))
                    _kept.TryRemove(key, out _);
            }
        }
    }

    private static bool Concerns(ControlChange change) =>
        change.Verb is ControlVerb.Insert or ControlVerb.Replace or ControlVerb.Delete
        && change.Kind
            is RecordKinds.Tenant
                or RecordKinds.User
                or RecordKinds.Session
                or RecordKinds.Member
                or RecordKinds.Role
                or RecordKinds.ApiKey;

    // What somebody may do in a tenant from above depends on the tenants above: there, everybody is asked for again.
    private static bool IsOf(ControlChange change, in AccessKey key, AccessGrant access) =>
        change.Kind switch
        {
            RecordKinds.User => key.Subject == change.Id,
            RecordKinds.Session => key.Session == change.Id,
            RecordKinds.Tenant => access.ActsFrom is not null || key.Tenant.ToString() == change.Id,
            _ => access.ActsFrom is not null || key.Tenant.ToString() == change.Scope.ToString(),
        };
}
