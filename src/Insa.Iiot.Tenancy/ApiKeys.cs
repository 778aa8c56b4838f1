using System.Security.Cryptography;
using Insa.Iiot.Tenancy.Access;
using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy;

/// <summary>The keys with which programs work for a tenant. Thread-safe, and safe between hosts.</summary>
/// <remarks>A key is <c>iiot.{tenant}.{id}.{secret}</c>; of its 256-bit secret only a hash is kept.</remarks>
public sealed class ApiKeys
{
    private const int MaxName = 100;

    private readonly IControlStore _store;
    private readonly TenantDirectory _tenants;
    private readonly TimeProvider _time;

    internal ApiKeys(IControlStore store, TenantDirectory tenants, TimeProvider time) => (_store, _tenants, _time) = (store, tenants, time);

    /// <summary>Makes a key. Takes one of the tenant's <see cref="TenantCounters.ApiKeys"/>.</summary>
    /// <returns>What is kept of it, and the key itself: this is the one time it can be read.</returns>
    /// <exception cref="TenancyException">
    /// <see cref="TenancyError.Escalation"/>, <see cref="TenancyError.QuotaExceeded"/>, <see cref="TenancyError.NotFound"/> or
    /// <see cref="TenancyError.TenantState"/> of the tenant, <see cref="TenancyError.Changed"/>.
    /// </exception>
    /// <exception cref="ArgumentException">The name is not valid, or the key would have expired already.</exception>
    public async ValueTask<(ApiKey Key, string Text)> CreateAsync(
        TenantId tenant,
        Actor actor,
        string name,
        PermissionSet permissions,
        DateTime? expiresAt,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(actor);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, MaxName, nameof(name));
        var now = _time.GetUtcNow();
        if (expiresAt <= now.UtcDateTime)
            throw new ArgumentException("The key would have expired already.", nameof(expiresAt));
        if (!actor.Permissions.ContainsAll(permissions))
            throw new TenancyException(TenancyError.Escalation, "The key would permit what its maker does not hold.");
        var active = await _tenants.GetActiveAsync(tenant, cancellationToken).ConfigureAwait(false);
        var text = ApiKeyText.New(tenant, Guid.CreateVersion7(now));
        var body = new ApiKeyRecord(name, [.. permissions.Names], actor.UserId, now.UtcDateTime, expiresAt, text.SecretHash);
        var result = await _store
            .CommitAsync(
                [
                    ControlChange.Expect(active),
                    ControlChange.Insert(ControlScope.Of(tenant), RecordKinds.ApiKey, text.Id, RecordJson.Write(body)),
                    ControlChange.Count(tenant, TenantCounters.ApiKeys, 1),
                ],
                cancellationToken
            )
            .ConfigureAwait(false);
        return result.Outcome switch
        {
            ControlOutcome.Done => (ToKey(text.Id, body, version: 1), text.ToString()),
            ControlOutcome.Full => throw new TenancyException(
                TenancyError.QuotaExceeded,
                "The tenant has as many API keys as its plan allows."
            ),
            _ => throw TenancyException.Changed(),
        };
    }

    /// <summary>Finds what is kept of a key.</summary>
    public async ValueTask<ApiKey?> FindAsync(TenantId tenant, string id, CancellationToken cancellationToken = default) =>
        await FindRecordAsync(tenant, id, cancellationToken).ConfigureAwait(false) is { } record
            ? ToKey(id, RecordJson.Read<ApiKeyRecord>(record), record.Version)
            : null;

    /// <summary>Lists keys by id, which is by age, after <paramref name="after"/>.</summary>
    public async ValueTask<IReadOnlyList<ApiKey>> ListAsync(
        TenantId tenant,
        string? after,
        int limit,
        CancellationToken cancellationToken = default
    )
    {
        var records = await _store
            .ListAsync(ControlScope.Of(tenant), RecordKinds.ApiKey, after, limit, cancellationToken)
            .ConfigureAwait(false);
        return [.. records.Select(record => ToKey(record.Id, RecordJson.Read<ApiKeyRecord>(record), record.Version))];
    }

    /// <summary>Deletes a key: it is refused from the next request on.</summary>
    /// <returns><see langword="false"/> if there is none of that id.</returns>
    public async ValueTask<bool> RevokeAsync(TenantId tenant, string id, CancellationToken cancellationToken = default)
    {
        if (await FindRecordAsync(tenant, id, cancellationToken).ConfigureAwait(false) is not { } record)
            return false;
        var result = await _store
            .CommitAsync([ControlChange.Delete(record), ControlChange.Count(tenant, TenantCounters.ApiKeys, -1)], cancellationToken)
            .ConfigureAwait(false);

        // Keys never change: another version of it is none at all.
        return result.Outcome == ControlOutcome.Done;
    }

    /// <summary>Finds the key that a secret is of, if it holds.</summary>
    internal async ValueTask<ApiKey?> VerifyAsync(ApiKeyText text, CancellationToken cancellationToken)
    {
        if (await FindRecordAsync(text.Tenant, text.Id, cancellationToken).ConfigureAwait(false) is not { } record)
            return null;
        var body = RecordJson.Read<ApiKeyRecord>(record);
        return
            CryptographicOperations.FixedTimeEquals(body.SecretHash, text.SecretHash) && !(body.ExpiresAt <= _time.GetUtcNow().UtcDateTime)
            ? ToKey(record.Id, body, record.Version)
            : null;
    }

    private ValueTask<ControlRecord?> FindRecordAsync(TenantId tenant, string id, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return _store.FindAsync(ControlScope.Of(tenant), RecordKinds.ApiKey, id, cancellationToken);
    }

    private static ApiKey ToKey(string id, ApiKeyRecord body, long version) =>
        new(id, body.Name, PermissionSet.OfKnown(body.Permissions), body.CreatedBy, body.CreatedAt, body.ExpiresAt, version);
}
