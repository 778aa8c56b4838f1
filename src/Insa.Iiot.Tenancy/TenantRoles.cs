using Insa.Iiot.Tenancy.Access;
using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy;

/// <summary>The roles of a tenant: four built-in ones, and its own. Thread-safe, and safe between hosts.</summary>
/// <remarks>A member keeps the id of a role that is deleted, and has nothing of it.</remarks>
public sealed class TenantRoles
{
    private const int MaxName = 100;

    private readonly IControlStore _store;
    private readonly TenantDirectory _tenants;

    internal TenantRoles(IControlStore store, TenantDirectory tenants) => (_store, _tenants) = (store, tenants);

    /// <summary>Lists the built-in roles, and then the tenant's own by id (ordinal), at most 1,000.</summary>
    public async ValueTask<IReadOnlyList<Role>> ListAsync(TenantId tenant, CancellationToken cancellationToken = default)
    {
        var own = await _store
            .ListAsync(ControlScope.Of(tenant), RecordKinds.Role, after: null, limit: 1000, cancellationToken)
            .ConfigureAwait(false);
        return [.. BuiltInRoles.All, .. own.Select(ToRole)];
    }

    /// <summary>Lists the tenant's own roles by id (ordinal), after <paramref name="after"/>.</summary>
    internal async ValueTask<IReadOnlyList<Role>> ListOwnAsync(
        TenantId tenant,
        string? after,
        int limit,
        CancellationToken cancellationToken
    )
    {
        var own = await _store.ListAsync(ControlScope.Of(tenant), RecordKinds.Role, after, limit, cancellationToken).ConfigureAwait(false);
        return [.. own.Select(ToRole)];
    }

    /// <summary>Finds a role.</summary>
    public async ValueTask<Role?> FindAsync(TenantId tenant, string id, CancellationToken cancellationToken = default) =>
        BuiltInRoles.Find(id)
        ?? (await FindRecordAsync(tenant, id, cancellationToken).ConfigureAwait(false) is { } record ? ToRole(record) : null);

    /// <summary>Makes a role of the tenant's own.</summary>
    /// <exception cref="TenancyException">
    /// <see cref="TenancyError.Escalation"/>; <see cref="TenancyError.QuotaExceeded"/> if there are as many <see cref="TenantCounters.Roles"/> as may be;
    /// <see cref="TenancyError.NotFound"/> or <see cref="TenancyError.TenantState"/> of the tenant; <see cref="TenancyError.Changed"/>.
    /// </exception>
    public async ValueTask<Role> CreateAsync(
        TenantId tenant,
        Actor actor,
        string name,
        PermissionSet permissions,
        CancellationToken cancellationToken = default
    )
    {
        Check(actor, name, permissions);
        var id = Guid.CreateVersion7().ToString("D");
        var body = new RoleRecord(name, [.. permissions.Names]);
        var active = await _tenants.GetActiveAsync(tenant, cancellationToken).ConfigureAwait(false);
        var result = await _store
            .CommitAsync(
                [
                    ControlChange.Expect(active),
                    .. _tenants.CountOneMore(active, TenantCounters.Roles),
                    ControlChange.Insert(ControlScope.Of(tenant), RecordKinds.Role, id, RecordJson.Write(body)),
                ],
                cancellationToken
            )
            .ConfigureAwait(false);
        if (result.Outcome == ControlOutcome.Full)
            throw new TenancyException(TenancyError.QuotaExceeded, "The tenant has as many roles as its plan allows.");
        if (result.Outcome != ControlOutcome.Done)
            throw TenancyException.Changed();
        return new Role(id, name, permissions, 1);
    }

    /// <summary>Changes a role of the tenant's own; it takes effect with the next request of whoever holds it.</summary>
    /// <exception cref="TenancyException">
    /// <see cref="TenancyError.Escalation"/>, also if the role permits already what the actor does not hold; <see cref="TenancyError.NotFound"/>, also of
    /// a built-in role; <see cref="TenancyError.Changed"/>.
    /// </exception>
    public async ValueTask<Role> UpdateAsync(
        TenantId tenant,
        Actor actor,
        Role seen,
        string name,
        PermissionSet permissions,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(seen);
        Check(actor, name, permissions);
        var record = await GetSeenAsync(tenant, actor, seen, cancellationToken).ConfigureAwait(false);
        var body = new RoleRecord(name, [.. permissions.Names]);
        await CommitAsync(ControlChange.Replace(record, RecordJson.Write(body)), cancellationToken).ConfigureAwait(false);
        return new Role(record.Id, name, permissions, record.Version + 1);
    }

    /// <summary>Deletes a role of the tenant's own: whoever holds it has nothing of it from now on.</summary>
    /// <exception cref="TenancyException">As for <see cref="UpdateAsync"/>.</exception>
    public async ValueTask DeleteAsync(TenantId tenant, Actor actor, Role seen, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(actor);
        ArgumentNullException.ThrowIfNull(seen);
        var record = await GetSeenAsync(tenant, actor, seen, cancellationToken).ConfigureAwait(false);
        var result = await _store
            .CommitAsync([ControlChange.Delete(record), ControlChange.Count(tenant, TenantCounters.Roles, -1)], cancellationToken)
            .ConfigureAwait(false);

        // A role that is older than this counter was never counted.
        if (result.Outcome == ControlOutcome.Empty)
            result = await _store.CommitAsync([ControlChange.Delete(record)], cancellationToken).ConfigureAwait(false);
        if (result.Outcome != ControlOutcome.Done)
            throw TenancyException.Changed();
    }

    /// <summary>What some roles permit together. Of roles that are no more, nothing.</summary>
    internal async ValueTask<PermissionSet> ResolveAsync(TenantId tenant, IEnumerable<string> roles, CancellationToken cancellationToken)
    {
        var permissions = default(PermissionSet);
        foreach (var id in roles)
        {
            if (await FindAsync(tenant, id, cancellationToken).ConfigureAwait(false) is { } role)
                permissions = permissions.With(role.Permissions);
        }

        return permissions;
    }

    /// <summary>Checks roles that are to be granted, and makes them stay what they are until the commit.</summary>
    /// <exception cref="TenancyException">A role does not exist, or permits what the actor does not hold.</exception>
    internal async ValueTask<(List<string> Roles, List<ControlChange> Expected)> CheckGrantAsync(
        TenantId tenant,
        Actor actor,
        IReadOnlyCollection<string> roles,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(actor);
        ArgumentNullException.ThrowIfNull(roles);
        if (roles.Count is 0 or > 20)
            throw new ArgumentException("A member has 1 to 20 roles.", nameof(roles));
        var (granted, expected) = (new List<string>(), new List<ControlChange>());
        foreach (var id in roles.Distinct(StringComparer.Ordinal))
        {
            var role = BuiltInRoles.Find(id);
            if (role is null)
            {
                var record =
                    await FindRecordAsync(tenant, id, cancellationToken).ConfigureAwait(false)
                    ?? throw new TenancyException(TenancyError.NotFound, $"There is no role '{id}'.");
                expected.Add(ControlChange.Expect(record));
                role = ToRole(record);
            }

            CheckHeld(actor, role.Permissions);
            granted.Add(id);
        }

        return (granted, expected);
    }

    private static void Check(Actor actor, string name, PermissionSet permissions)
    {
        ArgumentNullException.ThrowIfNull(actor);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, MaxName, nameof(name));
        CheckHeld(actor, permissions);
    }

    private static void CheckHeld(Actor actor, PermissionSet permissions)
    {
        if (!actor.Permissions.ContainsAll(permissions))
            throw new TenancyException(TenancyError.Escalation, "The role permits what its grantor does not hold.");
    }

    private async ValueTask<ControlRecord> GetSeenAsync(TenantId tenant, Actor actor, Role seen, CancellationToken cancellationToken)
    {
        var record =
            await FindRecordAsync(tenant, seen.Id, cancellationToken).ConfigureAwait(false)
            ?? throw new TenancyException(TenancyError.NotFound, $"The tenant has no role '{seen.Id}' of its own.");
        CheckHeld(actor, ToRole(record).Permissions);
        return record.Version == seen.Version ? record : throw TenancyException.Changed();
    }

    private ValueTask<ControlRecord?> FindRecordAsync(TenantId tenant, string id, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return _store.FindAsync(ControlScope.Of(tenant), RecordKinds.Role, id, cancellationToken);
    }

    private async ValueTask CommitAsync(ControlChange change, CancellationToken cancellationToken)
    {
        var result = await _store.CommitAsync([change], cancellationToken).ConfigureAwait(false);
        if (result.Outcome != ControlOutcome.Done)
            throw TenancyException.Changed();
    }

    private static Role ToRole(ControlRecord record)
    {
        var body = RecordJson.Read<RoleRecord>(record);
        return new Role(record.Id, body.Name, PermissionSet.OfKnown(body.Permissions), record.Version);
    }
}
