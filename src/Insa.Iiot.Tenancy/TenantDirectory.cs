using System.Net;
using Insa.Iiot.Tenancy.Access;
using Insa.Iiot.Tenancy.Offboarding;
using Insa.Iiot.Tenancy.Records;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy;

/// <summary>The tenants: their plans, limits, features and states. Thread-safe, and safe between hosts.</summary>
public sealed class TenantDirectory
{
    private const int MaxDisplayName = 200;
    private const int MaxNetworks = 100;
    private const int ChildrenPerPage = 100;

    private readonly IControlStore _store;
    private readonly TimeProvider _time;
    private readonly TenancyOptions _options;

    internal TenantDirectory(IControlStore store, TimeProvider time, IOptions<TenancyOptions> options) =>
        (_store, _time, _options) = (store, time, options.Value);

    /// <summary>Makes a tenant.</summary>
    /// <param name="id">Names it, for ever.</param>
    /// <param name="settings">What it begins with.</param>
    /// <param name="parent">The tenant that it is to be part of, which must be active.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="TenancyException">
    /// <see cref="TenancyError.Exists"/>; of the parent <see cref="TenancyError.NotFound"/>, <see cref="TenancyError.TenantState"/>, or
    /// <see cref="TenancyError.QuotaExceeded"/> if it has as many <see cref="TenantCounters.Children"/> as it may.
    /// </exception>
    /// <exception cref="ArgumentException">The display name or the plan is not valid.</exception>
    public async ValueTask<Tenant> CreateAsync(
        TenantId id,
        TenantSettings settings,
        TenantId? parent = null,
        CancellationToken cancellationToken = default
    )
    {
        var above = parent is { } name ? await GetParentAsync(name, cancellationToken).ConfigureAwait(false) : null;
        return await MakeAsync(id, settings, above, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Makes a tenant below another, as that one's own administrators may: with its plan, limits, rates and features as they are in this moment, and
    /// so with nothing that it has not itself. If the number of its sub-tenants is limited, the new one may have none.
    /// </summary>
    /// <param name="id">Names it, for ever.</param>
    /// <param name="displayName">What people call it.</param>
    /// <param name="parent">The tenant that it is to be part of, which must be active.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="TenancyException">As for <see cref="CreateAsync"/>; <see cref="TenancyError.Changed"/> if the parent is changed meanwhile.</exception>
    /// <exception cref="ArgumentException">The display name is not valid.</exception>
    public async ValueTask<Tenant> CreateChildAsync(
        TenantId id,
        string displayName,
        TenantId parent,
        CancellationToken cancellationToken = default
    )
    {
        var above = await GetParentAsync(parent, cancellationToken).ConfigureAwait(false);
        var body = RecordJson.Read<TenantRecord>(above);
        var limits = new Dictionary<string, long?>(body.Limits, StringComparer.Ordinal);

        // Else a bound of 3 would be one of 3 and 9 and 27.
        if (LimitOf(body, TenantCounters.Children, ofUnknownPlan: 0) is not null)
            limits[TenantCounters.Children] = 0;
        var settings = new TenantSettings
        {
            DisplayName = displayName,
            Plan = body.Plan,
            Limits = limits,
            Rates = body.Rates ?? [],
            Features = body.Features,
        };
        return await MakeAsync(id, settings, above, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Finds a tenant.</summary>
    /// <returns><see langword="null"/> if there is none of that id.</returns>
    public async ValueTask<Tenant?> FindAsync(TenantId id, CancellationToken cancellationToken = default)
    {
        var record = await FindRecordAsync(id, cancellationToken).ConfigureAwait(false);
        return record is null ? null : ToTenant(id, RecordJson.Read<TenantRecord>(record), record.Version);
    }

    /// <summary>Lists all tenants by id (ordinal), after <paramref name="after"/>. For the platform's operators.</summary>
    public async ValueTask<IReadOnlyList<Tenant>> ListAsync(TenantId? after, int limit, CancellationToken cancellationToken = default)
    {
        var records = await _store
            .ListAsync(ControlScope.Platform, RecordKinds.Tenant, after?.Value, limit, cancellationToken)
            .ConfigureAwait(false);
        return [.. records.Select(record => ToTenant(TenantId.Parse(record.Id), RecordJson.Read<TenantRecord>(record), record.Version))];
    }

    /// <summary>Lists the ids of a tenant's sub-tenants (ordinal), after <paramref name="after"/>.</summary>
    public async ValueTask<IReadOnlyList<TenantId>> ListChildrenAsync(
        TenantId parent,
        TenantId? after,
        int limit,
        CancellationToken cancellationToken = default
    )
    {
        var records = await _store
            .ListAsync(ControlScope.Of(parent), RecordKinds.Child, after?.Value, limit, cancellationToken)
            .ConfigureAwait(false);
        return [.. records.Select(record => TenantId.Parse(record.Id))];
    }

    /// <summary>Changes a tenant's settings, all of them. Limits below what is used take nothing away: nothing is added until less is used.</summary>
    /// <param name="id">The tenant.</param>
    /// <param name="version">The version that was seen.</param>
    /// <param name="settings">What is to hold.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="TenancyException"><see cref="TenancyError.NotFound"/>, or <see cref="TenancyError.Changed"/>.</exception>
    public ValueTask<Tenant> UpdateAsync(TenantId id, long version, TenantSettings settings, CancellationToken cancellationToken = default)
    {
        var (plan, limits) = Check(settings);
        return ReplaceAsync(
            id,
            version,
            record =>
                record with
                {
                    DisplayName = settings.DisplayName,
                    Plan = plan,
                    Limits = new(settings.Limits, StringComparer.Ordinal),
                    Features = new(settings.Features, StringComparer.Ordinal),
                    Rates = new(settings.Rates, StringComparer.Ordinal),
                },
            limits,
            cancellationToken
        );
    }

    /// <summary>Gives a tenant another name for people: what its own administrators may change.</summary>
    /// <exception cref="TenancyException">As for <see cref="UpdateAsync"/>.</exception>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    public ValueTask<Tenant> RenameAsync(TenantId id, long version, string displayName, CancellationToken cancellationToken = default)
    {
        CheckDisplayName(displayName);
        return ReplaceAsync(id, version, record => record with { DisplayName = displayName }, [], cancellationToken);
    }

    /// <summary>Says which networks a tenant's people and programs may come from: at most 100; none for all.</summary>
    /// <exception cref="TenancyException">As for <see cref="UpdateAsync"/>.</exception>
    public ValueTask<Tenant> SetAllowedNetworksAsync(
        TenantId id,
        long version,
        IReadOnlyCollection<IPNetwork> networks,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(networks);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(networks.Count, MaxNetworks, nameof(networks));
        var texts = networks.Select(network => network.ToString()).ToList();
        return ReplaceAsync(id, version, record => record with { AllowedNetworks = texts }, [], cancellationToken);
    }

    /// <summary>Lets nobody work for a tenant, until it is resumed.</summary>
    /// <exception cref="TenancyException"><see cref="TenancyError.TenantState"/> unless it is active; or as for <see cref="UpdateAsync"/>.</exception>
    public ValueTask<Tenant> SuspendAsync(TenantId id, long version, CancellationToken cancellationToken = default) =>
        MoveAsync(id, version, [TenantState.Active], TenantState.Suspended, cancellationToken);

    /// <summary>Ends a suspension.</summary>
    /// <exception cref="TenancyException"><see cref="TenancyError.TenantState"/> unless it is suspended; or as for <see cref="UpdateAsync"/>.</exception>
    public ValueTask<Tenant> ResumeAsync(TenantId id, long version, CancellationToken cancellationToken = default) =>
        MoveAsync(id, version, [TenantState.Suspended], TenantState.Active, cancellationToken);

    /// <summary>
    /// Begins a tenant's leaving, which cannot be taken back: nobody works for it any more, its API keys and open invitations are revoked, and all of
    /// its data is deleted after <see cref="TenancyOptions.OffboardingDelay"/>. Until then <see cref="TenantOffboarding.ExportAsync"/> gives it out.
    /// </summary>
    /// <exception cref="TenancyException">
    /// <see cref="TenancyError.TenantState"/> if it has begun, or a sub-tenant has not: those leave first; or as for <see cref="UpdateAsync"/>.
    /// </exception>
    public async ValueTask<Tenant> OffboardAsync(TenantId id, long version, CancellationToken cancellationToken = default)
    {
        await CheckChildrenLeaveAsync(id, cancellationToken).ConfigureAwait(false);
        var now = _time.GetUtcNow().UtcDateTime;
        var tenant = await MoveAsync(
                id,
                version,
                [TenantState.Active, TenantState.Suspended],
                TenantState.Offboarding,
                cancellationToken,
                record => record with { OffboardedAt = now, DueAt = now + _options.OffboardingDelay }
            )
            .ConfigureAwait(false);
        await new AccessRevocation(_store).RevokeAsync(id, cancellationToken).ConfigureAwait(false);
        return tenant;
    }

    /// <summary>Whether a feature is on for a tenant: by its own setting, else by its plan; and its parents' features likewise.</summary>
    public bool HasFeature(Tenant tenant, string feature)
    {
        ArgumentNullException.ThrowIfNull(tenant);
        ArgumentException.ThrowIfNullOrEmpty(feature);
        for (var name = feature; ; name = name[..name.LastIndexOf('.')])
        {
            if (_options.Features.ContainsKey(name) && !IsOn(tenant, name))
                return false;
            if (!name.Contains('.', StringComparison.Ordinal))
                return _options.Features.ContainsKey(feature);
        }
    }

    /// <summary>Lists the features there are (ordinal), and whether each is on for a tenant.</summary>
    public IReadOnlyList<(string Name, string Description, bool IsOn)> ListFeatures(Tenant tenant) =>
        [
            .. _options
                .Features.OrderBy(feature => feature.Key, StringComparer.Ordinal)
                .Select(feature => (feature.Key, feature.Value, HasFeature(tenant, feature.Key))),
        ];

    /// <summary>How much of each limit a tenant has used.</summary>
    public ValueTask<IReadOnlyList<ControlCounter>> ReadUsageAsync(TenantId id, CancellationToken cancellationToken = default) =>
        _store.ReadCountersAsync(id, cancellationToken);

    /// <summary>Takes from one of a tenant's limits. Exact between hosts.</summary>
    /// <returns><see langword="false"/> if there is not enough left: then nothing is taken.</returns>
    public async ValueTask<bool> TryTakeAsync(TenantId id, string counter, long amount, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(amount, 1);
        return await CountAsync(id, counter, amount, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives back what was taken from one of a tenant's limits.</summary>
    /// <returns><see langword="false"/> if not so much was taken: then nothing is given back.</returns>
    public async ValueTask<bool> ReleaseAsync(TenantId id, string counter, long amount, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(amount, 1);
        return await CountAsync(id, counter, -amount, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<Tenant> MakeAsync(
        TenantId id,
        TenantSettings settings,
        ControlRecord? above,
        CancellationToken cancellationToken
    )
    {
        var (plan, limits) = Check(settings);
        var parent = above is null ? (TenantId?)null : TenantId.Parse(above.Id);
        var changes = new List<ControlChange>();
        if (above is not null && parent is { } name)
        {
            // Counted before anything says whether the id is taken. The bound again: a tenant that is older than this counter has none.
            changes.Add(ControlChange.Expect(above));
            changes.Add(
                ControlChange.Bound(
                    name,
                    TenantCounters.Children,
                    least: null,
                    LimitOf(RecordJson.Read<TenantRecord>(above), TenantCounters.Children, ofUnknownPlan: 0)
                )
            );
            changes.Add(ControlChange.Count(name, TenantCounters.Children, 1));
            changes.Add(ControlChange.Insert(ControlScope.Of(name), RecordKinds.Child, id.Value, "{}"u8.ToArray()));
        }

        var body = new TenantRecord(
            settings.DisplayName,
            TenantState.Active,
            plan,
            parent?.Value,
            new(settings.Limits, StringComparer.Ordinal),
            new(settings.Features, StringComparer.Ordinal),
            _time.GetUtcNow().UtcDateTime,
            new(settings.Rates, StringComparer.Ordinal)
        );
        changes.Add(ControlChange.Insert(ControlScope.Platform, RecordKinds.Tenant, id.Value, RecordJson.Write(body)));
        changes.Add(ControlChange.Bound(id, TenantCounters.Admins, least: 1, most: null));
        AddBounds(changes, id, limits);
        var result = await _store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);
        return result.Outcome switch
        {
            ControlOutcome.Done => ToTenant(id, body, version: 1),
            ControlOutcome.Exists => throw new TenancyException(TenancyError.Exists, $"There is a tenant '{id}' already."),
            ControlOutcome.Full => throw new TenancyException(
                TenancyError.QuotaExceeded,
                "The tenant has as many sub-tenants as its plan allows."
            ),
            _ => throw TenancyException.Changed(),
        };
    }

    // A tree that is too deep would cost everybody who acts from above.
    private async ValueTask<ControlRecord> GetParentAsync(TenantId id, CancellationToken cancellationToken)
    {
        var record = await GetActiveAsync(id, cancellationToken).ConfigureAwait(false);
        var above = RecordJson.Read<TenantRecord>(record).Parent;
        for (var depth = 1; above is not null; depth++)
        {
            if (depth == AccessDirectory.MaxDepth)
                throw new TenancyException(
                    TenancyError.TenantState,
                    $"Tenants may lie {AccessDirectory.MaxDepth} deep, and '{id}' does already."
                );
            above = RecordJson
                .Read<TenantRecord>(await GetRecordAsync(TenantId.Parse(above), cancellationToken).ConfigureAwait(false))
                .Parent;
        }

        return record;
    }

    /// <exception cref="TenancyException">There is none, or it is not active.</exception>
    internal async ValueTask<ControlRecord> GetActiveAsync(TenantId id, CancellationToken cancellationToken)
    {
        var record = await GetRecordAsync(id, cancellationToken).ConfigureAwait(false);
        var state = RecordJson.Read<TenantRecord>(record).State;
        return state == TenantState.Active
            ? record
            : throw new TenancyException(TenancyError.TenantState, $"The tenant '{id}' is {state}, not active.");
    }

    /// <summary>A tenant's limit as its plan is now.</summary>
    internal long? LimitOf(TenantRecord tenant, string name, long? ofUnknownPlan)
    {
        if (tenant.Limits.TryGetValue(name, out var own))
            return own;
        if (!_options.Plans.TryGetValue(tenant.Plan, out var plan))
            return ofUnknownPlan;
        return plan.Limits.TryGetValue(name, out var limit) ? limit : null;
    }

    /// <summary>The changes that count one more thing of a tenant. The bound with it: a tenant that is older than the counter has none.</summary>
    internal ControlChange[] CountOneMore(ControlRecord tenant, string counter)
    {
        var id = TenantId.Parse(tenant.Id);
        return
        [
            ControlChange.Bound(id, counter, least: null, LimitOf(RecordJson.Read<TenantRecord>(tenant), counter, ofUnknownPlan: null)),
            ControlChange.Count(id, counter, 1),
        ];
    }

    private static void CheckDisplayName(string displayName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(displayName);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(displayName.Length, MaxDisplayName);
    }

    // One that is made in this very moment is not seen; then the parent's removal waits for it.
    private async ValueTask CheckChildrenLeaveAsync(TenantId id, CancellationToken cancellationToken)
    {
        TenantId? after = null;
        IReadOnlyList<TenantId> page;
        do
        {
            page = await ListChildrenAsync(id, after, ChildrenPerPage, cancellationToken).ConfigureAwait(false);
            foreach (var child in page)
            {
                if (
                    await FindAsync(child, cancellationToken).ConfigureAwait(false) is
                    { State: TenantState.Active or TenantState.Suspended }
                )
                    throw new TenancyException(TenancyError.TenantState, $"The sub-tenant '{child}' of '{id}' must be offboarded first.");
                after = child;
            }
        } while (page.Count == ChildrenPerPage);
    }

    private ValueTask<Tenant> MoveAsync(
        TenantId id,
        long version,
        TenantState[] from,
        TenantState to,
        CancellationToken cancellationToken,
        Func<TenantRecord, TenantRecord>? also = null
    ) =>
        ReplaceAsync(
            id,
            version,
            record =>
                from.Contains(record.State)
                    ? (also?.Invoke(record) ?? record) with
                    {
                        State = to,
                    }
                    : throw new TenancyException(TenancyError.TenantState, $"The tenant '{id}' is {record.State}, and cannot become {to}."),
            [],
            cancellationToken
        );

    private async ValueTask<Tenant> ReplaceAsync(
        TenantId id,
        long version,
        Func<TenantRecord, TenantRecord> change,
        Dictionary<string, long?> limits,
        CancellationToken cancellationToken
    )
    {
        var record = await GetRecordAsync(id, cancellationToken).ConfigureAwait(false);
        if (record.Version != version)
            throw TenancyException.Changed();
        var seen = RecordJson.Read<TenantRecord>(record);
        if (seen.State == TenantState.Deleted)
            throw new TenancyException(TenancyError.TenantState, $"The tenant '{id}' is deleted.");
        var body = change(seen);
        var changes = new List<ControlChange> { ControlChange.Replace(record, RecordJson.Write(body)) };
        AddBounds(changes, id, limits);
        var result = await _store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);
        return result.Outcome == ControlOutcome.Done ? ToTenant(id, body, version + 1) : throw TenancyException.Changed();
    }

    private async ValueTask<bool> CountAsync(TenantId id, string counter, long amount, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(counter);
        var result = await _store.CommitAsync([ControlChange.Count(id, counter, amount)], cancellationToken).ConfigureAwait(false);
        return result.Outcome == ControlOutcome.Done;
    }

    private static void AddBounds(List<ControlChange> changes, TenantId id, Dictionary<string, long?> limits) =>
        changes.AddRange(limits.Select(limit => ControlChange.Bound(id, limit.Key, least: null, limit.Value)));

    // Of every counter that any plan or the tenant itself limits: what had a limit and has none any more is set free.
    private (string Plan, Dictionary<string, long?> Limits) Check(TenantSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        CheckDisplayName(settings.DisplayName);
        var name = settings.Plan ?? _options.DefaultPlan;
        if (!_options.Plans.TryGetValue(name, out var plan))
            throw new ArgumentException($"There is no plan '{name}'.", nameof(settings));
        foreach (var feature in settings.Features.Keys.Where(feature => !_options.Features.ContainsKey(feature)))
            throw new ArgumentException($"There is no feature '{feature}'.", nameof(settings));
        if (settings.Limits.ContainsKey(TenantCounters.Admins))
            throw new ArgumentException("The number of administrators has no limit of its own: limit the users.", nameof(settings));
        var limits = new Dictionary<string, long?>(StringComparer.Ordinal)
        {
            [TenantCounters.Devices] = null,
            [TenantCounters.Users] = null,
            [TenantCounters.ApiKeys] = null,
            [TenantCounters.Invitations] = null,
            [TenantCounters.Roles] = null,
            [TenantCounters.Children] = null,
        };
        foreach (var counter in _options.Plans.Values.SelectMany(other => other.Limits.Keys))
            limits[counter] = null;
        foreach (var (counter, limit) in plan.Limits)
            limits[counter] = limit;
        foreach (var (counter, limit) in settings.Limits)
            limits[counter] = limit is < 0
                ? throw new ArgumentException($"The limit of {counter} is less than none.", nameof(settings))
                : limit;
        foreach (var (rate, text) in settings.Rates.Where(rate => rate.Value is not null && !RateLimit.TryParse(rate.Value, out _)))
            throw new ArgumentException($"The rate {rate} of '{text}' is not like '1000:1,20000:60'.", nameof(settings));

        // An amount's counter is of one period, and gets its bound with its first lease.
        foreach (var amount in limits.Keys.Where(TenantAmounts.IsAmount).ToList())
            limits.Remove(amount);
        return (name, limits);
    }

    private bool IsOn(Tenant tenant, string feature) =>
        tenant.Features.TryGetValue(feature, out var own)
            ? own
            : _options.Plans.TryGetValue(tenant.Plan, out var plan) && plan.Features.Contains(feature);

    private ValueTask<ControlRecord?> FindRecordAsync(TenantId id, CancellationToken cancellationToken) =>
        _store.FindAsync(ControlScope.Platform, RecordKinds.Tenant, id.Value, cancellationToken);

    private async ValueTask<ControlRecord> GetRecordAsync(TenantId id, CancellationToken cancellationToken) =>
        await FindRecordAsync(id, cancellationToken).ConfigureAwait(false)
        ?? throw new TenancyException(TenancyError.NotFound, $"There is no tenant '{id}'.");

    private static Tenant ToTenant(TenantId id, TenantRecord record, long version) =>
        new()
        {
            Id = id,
            DisplayName = record.DisplayName,
            State = record.State,
            Plan = record.Plan,
            Parent = record.Parent is null ? null : TenantId.Parse(record.Parent),
            Limits = record.Limits,
            Features = record.Features,
            AllowedNetworks = [.. (record.AllowedNetworks ?? []).Select(IPNetwork.Parse)],
            Rates = record.Rates ?? [],
            CreatedAt = record.CreatedAt,
            Version = version,
        };
}
