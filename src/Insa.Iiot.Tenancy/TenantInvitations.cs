using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Insa.Iiot.Tenancy.Records;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy;

/// <summary>Invitations to tenants: bound to an address, for a while, for one use. Thread-safe, and safe between hosts.</summary>
/// <remarks>Only a hash of the secret is kept. Of two who accept at once one wins.</remarks>
public sealed class TenantInvitations
{
    private const int SecretBytes = 32;
    private const int MaxToken = 300;
    private const int Page = 100;

    // More than come in with one, so that those that are over never pile up.
    private const int ClearedAtATime = 20;

    private readonly IControlStore _store;
    private readonly TenantDirectory _tenants;
    private readonly TenantRoles _roles;
    private readonly UserAccounts _users;
    private readonly TenantMembers _members;
    private readonly TimeProvider _time;
    private readonly TenancyOptions _options;

    internal TenantInvitations(
        IControlStore store,
        TenantDirectory tenants,
        TenantRoles roles,
        UserAccounts users,
        TenantMembers members,
        TimeProvider time,
        IOptions<TenancyOptions> options
    ) => (_store, _tenants, _roles, _users, _members, _time, _options) = (store, tenants, roles, users, members, time, options.Value);

    /// <summary>Invites somebody.</summary>
    /// <returns>The invitation, and the token to send to the address: this is the one time it can be read.</returns>
    /// <exception cref="TenancyException">
    /// <see cref="TenancyError.NotFound"/> of tenant or role, <see cref="TenancyError.TenantState"/>, <see cref="TenancyError.Escalation"/>,
    /// <see cref="TenancyError.QuotaExceeded"/> if as many <see cref="TenantCounters.Invitations"/> are open as may be, <see cref="TenancyError.Changed"/>.
    /// </exception>
    /// <exception cref="ArgumentException">The address is none.</exception>
    public async ValueTask<(Invitation Invitation, string Token)> InviteAsync(
        TenantId tenant,
        Actor actor,
        string email,
        IReadOnlyCollection<string> roles,
        CancellationToken cancellationToken = default
    )
    {
        var address = UserAccounts.Normalize(email);
        var active = await _tenants.GetActiveAsync(tenant, cancellationToken).ConfigureAwait(false);
        var (granted, changes) = await _roles.CheckGrantAsync(tenant, actor, roles, cancellationToken).ConfigureAwait(false);
        var secret = RandomNumberGenerator.GetBytes(SecretBytes);
        var body = new InvitationRecord(
            address,
            granted,
            actor.UserId,
            (_time.GetUtcNow() + _options.InvitationLifetime).UtcDateTime,
            SHA256.HashData(secret),
            InvitationState.Open
        );
        var id = Guid.CreateVersion7(_time.GetUtcNow()).ToString("N");
        changes.Add(ControlChange.Expect(active));
        changes.AddRange(_tenants.CountOneMore(active, TenantCounters.Invitations));
        changes.Add(ControlChange.Insert(ControlScope.Of(tenant), RecordKinds.Invitation, id, RecordJson.Write(body)));
        await ClearAsync(tenant, ClearedAtATime, cancellationToken).ConfigureAwait(false);
        var result = await _store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);
        if (result.Outcome == ControlOutcome.Full)
        {
            // Those that nobody can accept any more take nobody's place.
            await ClearAsync(tenant, int.MaxValue, cancellationToken).ConfigureAwait(false);
            result = await _store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);
        }

        if (result.Outcome == ControlOutcome.Full)
            throw new TenancyException(TenancyError.QuotaExceeded, "As many invitations are open as the tenant's plan allows.");
        if (result.Outcome != ControlOutcome.Done)
            throw TenancyException.Changed();
        return (ToInvitation(tenant, id, body, version: 1), $"{tenant}.{id}.{Base64Url.EncodeToString(secret)}");
    }

    /// <summary>Accepts an invitation with an account that has its address.</summary>
    /// <exception cref="TenancyException">
    /// <see cref="TenancyError.InvalidInvitation"/>; <see cref="TenancyError.Exists"/> for who is a member; <see cref="TenancyError.QuotaExceeded"/>,
    /// <see cref="TenancyError.TenantState"/>, <see cref="TenancyError.Changed"/>.
    /// </exception>
    public async ValueTask<Member> AcceptAsync(string token, string userId, CancellationToken cancellationToken = default)
    {
        var (tenant, record, body) = await OpenAsync(token, cancellationToken).ConfigureAwait(false);
        var user = await _users.GetRecordAsync(userId, cancellationToken).ConfigureAwait(false);
        if (RecordJson.Read<UserRecord>(user).Email != body.Email)
            throw Invalid();
        return await UseAsync(tenant, record, body, userId, UserAccounts.SetTenant(user, tenant, isMember: true), cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Accepts an invitation with a new account, which gets the address that was invited.</summary>
    /// <exception cref="TenancyException">As for <see cref="AcceptAsync"/>; <see cref="TenancyError.Exists"/> if the address has an account.</exception>
    /// <exception cref="ArgumentException">Name or password are not valid.</exception>
    public async ValueTask<Member> AcceptAsNewAsync(
        string token,
        string displayName,
        string password,
        CancellationToken cancellationToken = default
    )
    {
        var (tenant, record, body) = await OpenAsync(token, cancellationToken).ConfigureAwait(false);
        var (userId, _, insert) = await _users
            .PrepareAsync(body.Email, displayName, password, [tenant.Value], cancellationToken)
            .ConfigureAwait(false);
        return await UseAsync(tenant, record, body, userId, insert, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes an invitation back.</summary>
    /// <returns><see langword="false"/> if there is none, or it is not open any more.</returns>
    public async ValueTask<bool> RevokeAsync(TenantId tenant, string id, CancellationToken cancellationToken = default)
    {
        var record = await FindRecordAsync(tenant, id, cancellationToken).ConfigureAwait(false);
        if (record is null || RecordJson.Read<InvitationRecord>(record) is not { State: InvitationState.Open } body)
            return false;
        var revoked = ControlChange.Replace(record, RecordJson.Write(body with { State = InvitationState.Revoked }));
        return await CloseAsync(tenant, revoked, cancellationToken).ConfigureAwait(false) == ControlOutcome.Done;
    }

    /// <summary>Lists invitations by id, which is by age, after <paramref name="after"/>. Those that have expired are cleared away with time.</summary>
    public async ValueTask<IReadOnlyList<Invitation>> ListAsync(
        TenantId tenant,
        string? after,
        int limit,
        CancellationToken cancellationToken = default
    )
    {
        var records = await _store
            .ListAsync(ControlScope.Of(tenant), RecordKinds.Invitation, after, limit, cancellationToken)
            .ConfigureAwait(false);
        return [.. records.Select(record => ToInvitation(tenant, record.Id, RecordJson.Read<InvitationRecord>(record), record.Version))];
    }

    private async ValueTask<Member> UseAsync(
        TenantId tenant,
        ControlRecord record,
        InvitationRecord body,
        string userId,
        ControlChange userChange,
        CancellationToken cancellationToken
    )
    {
        var active = await _tenants.GetActiveAsync(tenant, cancellationToken).ConfigureAwait(false);
        var changes = new List<ControlChange>
        {
            ControlChange.Replace(record, RecordJson.Write(body with { State = InvitationState.Used })),
            ControlChange.Expect(active),
            userChange,
        };
        var member = _members.Join(changes, tenant, userId, body.Roles);
        changes.Add(ControlChange.Count(tenant, TenantCounters.Invitations, -1));
        try
        {
            await CommitUseAsync(changes, cancellationToken).ConfigureAwait(false);
        }
        catch (TenancyException e) when (e.Error is TenancyError.Changed or TenancyError.Exists)
        {
            // Whoever was faster has used it up.
            var now = await FindRecordAsync(tenant, record.Id, cancellationToken).ConfigureAwait(false);
            if (now is null || RecordJson.Read<InvitationRecord>(now).State != InvitationState.Open)
                throw Invalid();
            throw;
        }

        return member;
    }

    // One that is older than its counter was never counted; nothing else of a use counts down.
    private async ValueTask CommitUseAsync(List<ControlChange> changes, CancellationToken cancellationToken)
    {
        try
        {
            await _members.CommitAsync(changes, cancellationToken).ConfigureAwait(false);
        }
        catch (TenancyException e) when (e.Error == TenancyError.LastAdmin)
        {
            await _members.CommitAsync(changes[..^1], cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<ControlOutcome> CloseAsync(TenantId tenant, ControlChange change, CancellationToken cancellationToken)
    {
        var result = await _store
            .CommitAsync([change, ControlChange.Count(tenant, TenantCounters.Invitations, -1)], cancellationToken)
            .ConfigureAwait(false);
        if (result.Outcome == ControlOutcome.Empty)
            result = await _store.CommitAsync([change], cancellationToken).ConfigureAwait(false);
        return result.Outcome;
    }

    /// <summary>Takes away the oldest that have expired. What somebody else changes meanwhile waits for the next time.</summary>
    private async ValueTask ClearAsync(TenantId tenant, int most, CancellationToken cancellationToken)
    {
        string? after = null;
        for (var seen = 0; seen < most; )
        {
            var limit = Math.Min(Page, most - seen);
            var records = await _store
                .ListAsync(ControlScope.Of(tenant), RecordKinds.Invitation, after, limit, cancellationToken)
                .ConfigureAwait(false);
            foreach (var record in records)
            {
                after = record.Id;
                var body = RecordJson.Read<InvitationRecord>(record);
                if (body.ExpiresAt > _time.GetUtcNow().UtcDateTime)
                    continue;
                if (body.State == InvitationState.Open)
                    await CloseAsync(tenant, ControlChange.Delete(record), cancellationToken).ConfigureAwait(false);
                else
                    await _store.CommitAsync([ControlChange.Delete(record)], cancellationToken).ConfigureAwait(false);
            }

            if (records.Count < limit)
                return;
            seen += records.Count;
        }
    }

    // Whatever is wrong, the answer is the same.
    private async ValueTask<(TenantId Tenant, ControlRecord Record, InvitationRecord Body)> OpenAsync(
        string token,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(token);
        if (token.Length > MaxToken || token.Split('.') is not [var tenantText, var id, var secretText])
            throw Invalid();
        if (!TenantId.TryParse(tenantText, out var tenant) || id.Length == 0 || !TryDecode(secretText, out var hash))
            throw Invalid();
        var record = await FindRecordAsync(tenant, id, cancellationToken).ConfigureAwait(false);
        var body = record is null ? null : RecordJson.Read<InvitationRecord>(record);
        var isValid =
            body is not null
            && CryptographicOperations.FixedTimeEquals(hash, body.SecretHash)
            && body.State == InvitationState.Open
            && body.ExpiresAt > _time.GetUtcNow().UtcDateTime;
        return isValid ? (tenant, record!, body!) : throw Invalid();
    }

    private static bool TryDecode(string text, out byte[] hash)
    {
        Span<byte> secret = stackalloc byte[SecretBytes];
        hash = [];
        if (!Base64Url.IsValid(text, out var length) || length != SecretBytes)
            return false;
        Base64Url.DecodeFromUtf8(Encoding.UTF8.GetBytes(text), secret);
        hash = SHA256.HashData(secret);
        return true;
    }

    private static TenancyException Invalid() =>
        new(TenancyError.InvalidInvitation, "The invitation is not valid for this person, or not any more.");

    private ValueTask<ControlRecord?> FindRecordAsync(TenantId tenant, string id, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return _store.FindAsync(ControlScope.Of(tenant), RecordKinds.Invitation, id, cancellationToken);
    }

    private static Invitation ToInvitation(TenantId tenant, string id, InvitationRecord body, long version) =>
        new(id, tenant, body.Email, body.Roles, body.InvitedBy, body.ExpiresAt, body.State, version);
}
