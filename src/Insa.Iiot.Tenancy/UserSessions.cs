using System.Security.Cryptography;
using Insa.Iiot.Tenancy.Access;
using Insa.Iiot.Tenancy.Records;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy;

/// <summary>The sessions of users, each renewed by refresh tokens of one use. Thread-safe, and safe between hosts.</summary>
/// <remarks>
/// Whoever shows a refresh token that was used before, the user or a thief, ends the session: one of the two has what is not theirs
/// (RFC 9700 §4.14.2). Only hashes are kept.
/// </remarks>
public sealed class UserSessions
{
    private const int MostSessions = 50;
    private const int Attempts = 5;

    private readonly IControlStore _store;
    private readonly UserAccounts _users;
    private readonly TimeProvider _time;
    private readonly TenancyOptions _options;

    internal UserSessions(IControlStore store, UserAccounts users, TimeProvider time, IOptions<TenancyOptions> options) =>
        (_store, _users, _time, _options) = (store, users, time, options.Value);

    /// <summary>Opens a session for a user who has signed in. Of more than 50 the oldest end.</summary>
    /// <returns>The session, and the refresh token: this is the one time it can be read.</returns>
    /// <exception cref="TenancyException"><see cref="TenancyError.NotFound"/>: there is no such user.</exception>
    public async ValueTask<(UserSession Session, string RefreshToken)> OpenAsync(
        string userId,
        TenantId? tenant,
        CancellationToken cancellationToken = default
    )
    {
        var user = UserAccounts.ToAccount(await _users.GetRecordAsync(userId, cancellationToken).ConfigureAwait(false));
        var now = _time.GetUtcNow();
        var token = RefreshToken.New(Guid.Parse(userId), Guid.CreateVersion7(now));
        var body = new SessionRecord(
            tenant?.Value,
            user.TokenVersion,
            token.FamilyHash,
            token.SecretHash,
            now.UtcDateTime,
            now.UtcDateTime,
            (now + _options.SessionLifetime).UtcDateTime
        );
        var changes = await ExpiredAsync(userId, cancellationToken).ConfigureAwait(false);
        changes.Add(ControlChange.Insert(ControlScope.Platform, RecordKinds.Session, token.SessionId, RecordJson.Write(body)));
        var result = await _store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);

        // Somebody else has cleared the old ones away at the same time.
        if (result.Outcome != ControlOutcome.Done)
            result = await _store.CommitAsync([changes[^1]], cancellationToken).ConfigureAwait(false);
        return result.Outcome == ControlOutcome.Done
            ? (ToSession(token.SessionId, body), token.ToString())
            : throw TenancyException.Changed();
    }

    /// <summary>Takes a refresh token and gives the next.</summary>
    /// <returns><see langword="null"/> if it does not hold: the user has to sign in again. Why is not told.</returns>
    /// <exception cref="TenancyException"><see cref="TenancyError.Changed"/>: the session was changed again and again; the token still holds.</exception>
    public async ValueTask<(UserSession Session, string RefreshToken)?> RefreshAsync(
        string refreshToken,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(refreshToken);
        if (!RefreshToken.TryParse(refreshToken, out var shown))
            return null;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var record = await FindRecordAsync(shown.SessionId, cancellationToken).ConfigureAwait(false);
            if (record is null || RecordJson.Read<SessionRecord>(record) is not { } body || !shown.IsOfFamily(body.FamilyHash))
                return null;

            // Used before; of two who show the same token at once, the slower one finds itself here too.
            if (!shown.HasSecret(body.SecretHash))
            {
                await DeleteAsync(shown.SessionId, cancellationToken).ConfigureAwait(false);
                return null;
            }

            if (!await HoldsAsync(body, shown, cancellationToken).ConfigureAwait(false))
                return null;
            var next = shown.Next();
            var renewed = body with { SecretHash = next.SecretHash, UsedAt = _time.GetUtcNow().UtcDateTime };
            var result = await _store
                .CommitAsync([ControlChange.Replace(record, RecordJson.Write(renewed))], cancellationToken)
                .ConfigureAwait(false);
            if (result.Outcome == ControlOutcome.Done)
                return (ToSession(record.Id, renewed), next.ToString());

            // Another refresh, or only another tenant: the secret tells.
        }

        throw TenancyException.Changed();
    }

    /// <summary>Makes a session one of another tenant; whether the user may work there is for the caller to know.</summary>
    /// <exception cref="TenancyException"><see cref="TenancyError.NotFound"/>, or <see cref="TenancyError.Changed"/>.</exception>
    public async ValueTask<UserSession> SwitchAsync(string sessionId, TenantId tenant, CancellationToken cancellationToken = default)
    {
        var record =
            await FindRecordAsync(sessionId, cancellationToken).ConfigureAwait(false)
            ?? throw new TenancyException(TenancyError.NotFound, "There is no such session.");
        var body = RecordJson.Read<SessionRecord>(record) with { Tenant = tenant.Value };
        var result = await _store
            .CommitAsync([ControlChange.Replace(record, RecordJson.Write(body))], cancellationToken)
            .ConfigureAwait(false);
        return result.Outcome == ControlOutcome.Done ? ToSession(sessionId, body) : throw TenancyException.Changed();
    }

    /// <summary>Makes a session one of no tenant, if it still is one of <paramref name="tenant"/>.</summary>
    /// <exception cref="TenancyException">As for <see cref="SwitchAsync"/>.</exception>
    internal async ValueTask<UserSession> LeaveTenantAsync(string sessionId, TenantId tenant, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var record =
                await FindRecordAsync(sessionId, cancellationToken).ConfigureAwait(false)
                ?? throw new TenancyException(TenancyError.NotFound, "There is no such session.");
            var body = RecordJson.Read<SessionRecord>(record);
            if (body.Tenant != tenant.Value)
                return ToSession(sessionId, body);
            body = body with { Tenant = null };
            var result = await _store
                .CommitAsync([ControlChange.Replace(record, RecordJson.Write(body))], cancellationToken)
                .ConfigureAwait(false);
            if (result.Outcome == ControlOutcome.Done)
                return ToSession(sessionId, body);
        }

        throw TenancyException.Changed();
    }

    /// <summary>Lists a user's sessions, oldest first.</summary>
    public async ValueTask<IReadOnlyList<UserSession>> ListAsync(string userId, CancellationToken cancellationToken = default)
    {
        var records = await ListRecordsAsync(userId, cancellationToken).ConfigureAwait(false);
        return [.. records.Select(record => ToSession(record.Id, RecordJson.Read<SessionRecord>(record)))];
    }

    /// <summary>Ends a session of a user: its tokens are refused from the next request on.</summary>
    /// <returns><see langword="false"/> if the user has none of that id.</returns>
    public async ValueTask<bool> CloseAsync(string userId, string sessionId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(sessionId);
        return RefreshToken.IsOfUser(sessionId, userId) && await DeleteAsync(sessionId, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends all sessions of a user.</summary>
    /// <exception cref="TenancyException"><see cref="TenancyError.NotFound"/>, or <see cref="TenancyError.Changed"/>.</exception>
    public ValueTask CloseAllAsync(string userId, CancellationToken cancellationToken = default) =>
        _users.EndSessionsAsync(userId, cancellationToken);

    /// <summary>Finds a session that has not ended by itself.</summary>
    internal async ValueTask<UserSession?> FindAsync(string sessionId, CancellationToken cancellationToken) =>
        await FindRecordAsync(sessionId, cancellationToken).ConfigureAwait(false) is { } record
        && ToSession(sessionId, RecordJson.Read<SessionRecord>(record)) is var session
        && session.ExpiresAt > _time.GetUtcNow().UtcDateTime
            ? session
            : null;

    private async ValueTask<List<ControlChange>> ExpiredAsync(string userId, CancellationToken cancellationToken)
    {
        var records = await ListRecordsAsync(userId, cancellationToken).ConfigureAwait(false);
        var now = _time.GetUtcNow().UtcDateTime;
        return
        [
            .. records
                .Where((record, place) => place <= records.Count - MostSessions || RecordJson.Read<SessionRecord>(record).ExpiresAt <= now)
                .Select(ControlChange.Delete),
        ];
    }

    private async ValueTask<IReadOnlyList<ControlRecord>> ListRecordsAsync(string userId, CancellationToken cancellationToken)
    {
        var prefix = RefreshToken.PrefixOf(userId);
        var records = await _store
            .ListAsync(ControlScope.Platform, RecordKinds.Session, prefix, MostSessions * 2, cancellationToken)
            .ConfigureAwait(false);
        return [.. records.TakeWhile(record => record.Id.StartsWith(prefix, StringComparison.Ordinal))];
    }

    private async ValueTask<bool> DeleteAsync(string sessionId, CancellationToken cancellationToken)
    {
        // A refresh at the same time makes another version of it, which has to go too.
        while (await FindRecordAsync(sessionId, cancellationToken).ConfigureAwait(false) is { } record)
        {
            var result = await _store.CommitAsync([ControlChange.Delete(record)], cancellationToken).ConfigureAwait(false);
            if (result.Outcome == ControlOutcome.Done)
                return true;
        }

        return false;
    }

    private ValueTask<ControlRecord?> FindRecordAsync(string sessionId, CancellationToken cancellationToken) =>
        _store.FindAsync(ControlScope.Platform, RecordKinds.Session, sessionId, cancellationToken);

    private async ValueTask<bool> HoldsAsync(SessionRecord body, RefreshToken shown, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        var user = await _users.FindAsync(shown.UserId, cancellationToken).ConfigureAwait(false);
        return user is not null
            && user.TokenVersion == body.TokenVersion
            && now < body.ExpiresAt
            && now < body.UsedAt + _options.SessionIdleLifetime;
    }

    private static UserSession ToSession(string id, SessionRecord body) =>
        new(
            id,
            RefreshToken.UserOf(id),
            body.Tenant is null ? null : TenantId.Parse(body.Tenant),
            body.TokenVersion,
            body.CreatedAt,
            body.UsedAt,
            body.ExpiresAt
        );
}
