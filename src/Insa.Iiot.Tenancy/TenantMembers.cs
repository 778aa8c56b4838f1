using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy;

/// <summary>Who is a member of which tenant, and with which roles. Thread-safe, and safe between hosts.</summary>
public sealed class TenantMembers
{
    private readonly IControlStore _store;
    private readonly TenantDirectory _tenants;
    private readonly TenantRoles _roles;
    private readonly UserAccounts _users;
    private readonly TimeProvider _time;

    internal TenantMembers(IControlStore store, TenantDirectory tenants, TenantRoles roles, UserAccounts users, TimeProvider time) =>
        (_store, _tenants, _roles, _users, _time) = (store, tenants, roles, users, time);

    /// <summary>Adds a user to a tenant. Takes one of its <see cref="TenantCounters.Users"/>.</summary>
    /// <exception cref="TenancyException">
    /// <see cref="TenancyError.Exists"/>, <see cref="TenancyError.NotFound"/> of tenant, user or role, <see cref="TenancyError.TenantState"/>,
    /// <see cref="TenancyError.QuotaExceeded"/>, <see cref="TenancyError.Escalation"/>, <see cref="TenancyError.Changed"/>.
    /// </exception>
    public async ValueTask<Member> AddAsync(
        TenantId tenant,
        Actor actor,
        string userId,
        IReadOnlyCollection<string> roles,
        CancellationToken cancellationToken = default
    )
    {
        var active = await _tenants.GetActiveAsync(tenant, cancellationToken).ConfigureAwait(false);
        var user = await _users.GetRecordAsync(userId, cancellationToken).ConfigureAwait(false);
        var (granted, expected) = await _roles.CheckGrantAsync(tenant, actor, roles, cancellationToken).ConfigureAwait(false);
        var changes = new List<ControlChange> { ControlChange.Expect(active), UserAccounts.SetTenant(user, tenant, isMember: true) };
        var member = Join(changes, tenant, userId, granted);
        changes.AddRange(expected);
        await CommitAsync(changes, cancellationToken).ConfigureAwait(false);
        return member;
    }

    /// <summary>Takes a user out of a tenant.</summary>
    /// <exception cref="TenancyException">
    /// <see cref="TenancyError.NotFound"/>, <see cref="TenancyError.LastAdmin"/>, <see cref="TenancyError.Escalation"/> if the member holds what the actor
    /// does not, <see cref="TenancyError.Changed"/>.
    /// </exception>
    public async ValueTask RemoveAsync(TenantId tenant, Actor actor, string userId, CancellationToken cancellationToken = default)
    {
        var (record, body) = await GetAsync(tenant, actor, userId, cancellationToken).ConfigureAwait(false);
        var user = await _users.GetRecordAsync(userId, cancellationToken).ConfigureAwait(false);
        var changes = new List<ControlChange>
        {
            ControlChange.Delete(record),
            ControlChange.Count(tenant, TenantCounters.Users, -1),
            UserAccounts.SetTenant(user, tenant, isMember: false),
        };
        if (body.IsAdmin)
            changes.Add(ControlChange.Count(tenant, TenantCounters.Admins, -1));
        await CommitAsync(changes, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives a member other roles, all of them.</summary>
    /// <exception cref="TenancyException">As for <see cref="RemoveAsync"/>, and <see cref="TenancyError.NotFound"/> of a role.</exception>
    public async ValueTask<Member> SetRolesAsync(
        TenantId tenant,
        Actor actor,
        string userId,
        IReadOnlyCollection<string> roles,
        CancellationToken cancellationToken = default
    )
    {
        var (record, body) = await GetAsync(tenant, actor, userId, cancellationToken).ConfigureAwait(false);
        return await ReplaceRolesAsync(tenant, actor, record, body, roles, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives a member a role more, or takes one away; the last cannot be taken.</summary>
    /// <exception cref="TenancyException">As for <see cref="SetRolesAsync"/>.</exception>
    /// <exception cref="ArgumentException">The member would have no role, or more than 20.</exception>
    public async ValueTask<Member> SetRoleAsync(
        TenantId tenant,
        Actor actor,
        string userId,
        string role,
        bool isHeld,
        CancellationToken cancellationToken = default
    )
    {
        var (record, body) = await GetAsync(tenant, actor, userId, cancellationToken).ConfigureAwait(false);
        if (body.Roles.Contains(role, StringComparer.Ordinal) == isHeld)
            return ToMember(record);
        var roles = body.Roles.Where(other => other != role).ToList();
        if (isHeld)
            roles.Add(role);
        return await ReplaceRolesAsync(tenant, actor, record, body, roles, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Finds a member.</summary>
    public async ValueTask<Member?> FindAsync(TenantId tenant, string userId, CancellationToken cancellationToken = default) =>
        await FindRecordAsync(tenant, userId, cancellationToken).ConfigureAwait(false) is { } record ? ToMember(record) : null;

    /// <summary>Lists members by user id (ordinal), after <paramref name="after"/>.</summary>
    public async ValueTask<IReadOnlyList<Member>> ListAsync(
        TenantId tenant,
        string? after,
        int limit,
        CancellationToken cancellationToken = default
    )
    {
        var records = await _store
            .ListAsync(ControlScope.Of(tenant), RecordKinds.Member, after, limit, cancellationToken)
            .ConfigureAwait(false);
        return [.. records.Select(ToMember)];
    }

    /// <summary>What a user may do within a tenant, as of now; nothing for who is no member.</summary>
    public async ValueTask<PermissionSet> GetPermissionsAsync(
        TenantId tenant,
        string userId,
        CancellationToken cancellationToken = default
    ) =>
        await FindAsync(tenant, userId, cancellationToken).ConfigureAwait(false) is { } member
            ? await _roles.ResolveAsync(tenant, member.Roles, cancellationToken).ConfigureAwait(false)
            : default;

    /// <summary>Adds the changes that make somebody a member.</summary>
    internal Member Join(List<ControlChange> changes, TenantId tenant, string userId, List<string> roles)
    {
        var body = new MemberRecord(roles, _time.GetUtcNow().UtcDateTime);
        changes.Add(ControlChange.Insert(ControlScope.Of(tenant), RecordKinds.Member, userId, RecordJson.Write(body)));
        changes.Add(ControlChange.Count(tenant, TenantCounters.Users, 1));
        if (body.IsAdmin)
            changes.Add(ControlChange.Count(tenant, TenantCounters.Admins, 1));
        return new Member(userId, roles, body.Since, 1);
    }

    internal async ValueTask CommitAsync(List<ControlChange> changes, CancellationToken cancellationToken)
    {
        var result = await _store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);
        if (result.Outcome == ControlOutcome.Done)
            return;
        throw result.Outcome switch
        {
            ControlOutcome.Full => new TenancyException(TenancyError.QuotaExceeded, "The tenant has as many users as its plan allows."),
            ControlOutcome.Empty => new TenancyException(TenancyError.LastAdmin, "The tenant would have no administrator left."),
            ControlOutcome.Exists => new TenancyException(TenancyError.Exists, "There is one already."),
            _ => TenancyException.Changed(),
        };
    }

    private async ValueTask<Member> ReplaceRolesAsync(
        TenantId tenant,
        Actor actor,
        ControlRecord record,
        MemberRecord body,
        IReadOnlyCollection<string> roles,
        CancellationToken cancellationToken
    )
    {
        var (granted, changes) = await _roles.CheckGrantAsync(tenant, actor, roles, cancellationToken).ConfigureAwait(false);
        var next = body with { Roles = granted };
        changes.Add(ControlChange.Replace(record, RecordJson.Write(next)));
        if (next.IsAdmin != body.IsAdmin)
            changes.Add(ControlChange.Count(tenant, TenantCounters.Admins, next.IsAdmin ? 1 : -1));
        await CommitAsync(changes, cancellationToken).ConfigureAwait(false);
        return new Member(record.Id, granted, body.Since, record.Version + 1);
    }

    private async ValueTask<(ControlRecord Record, MemberRecord Body)> GetAsync(
        TenantId tenant,
        Actor actor,
        string userId,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(actor);
        var record =
            await FindRecordAsync(tenant, userId, cancellationToken).ConfigureAwait(false)
            ?? throw new TenancyException(TenancyError.NotFound, "The tenant has no such member.");
        var body = RecordJson.Read<MemberRecord>(record);

        // Who may not grant a role may not take it either; but everybody may leave.
        var held = await _roles.ResolveAsync(tenant, body.Roles, cancellationToken).ConfigureAwait(false);
        return actor.UserId == userId || actor.Permissions.ContainsAll(held)
            ? (record, body)
            : throw new TenancyException(TenancyError.Escalation, "The member holds what the actor does not.");
    }

    private ValueTask<ControlRecord?> FindRecordAsync(TenantId tenant, string userId, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(userId);
        return _store.FindAsync(ControlScope.Of(tenant), RecordKinds.Member, userId, cancellationToken);
    }

    private static Member ToMember(ControlRecord record)
    {
        var body = RecordJson.Read<MemberRecord>(record);
        return new Member(record.Id, body.Roles, body.Since, record.Version);
    }
}
