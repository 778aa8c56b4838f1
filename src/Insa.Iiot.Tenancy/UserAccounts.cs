using Insa.Iiot.Tenancy.Access;
using Insa.Iiot.Tenancy.Records;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy;

/// <summary>The people who sign in. Thread-safe, and safe between hosts.</summary>
public sealed class UserAccounts
{
    private const int MinPassword = 12;
    private const int MaxPassword = 256;
    private const int MaxText = 200;
    private const int Attempts = 5;

    private static readonly byte[] NobodysSalt = new byte[16];
    private static readonly byte[] NobodysHash = new byte[32];

    private readonly IControlStore _store;
    private readonly PasswordWork _work;
    private readonly TimeProvider _time;
    private readonly TenancyOptions _options;

    internal UserAccounts(IControlStore store, PasswordWork work, TimeProvider time, IOptions<TenancyOptions> options) =>
        (_store, _work, _time, _options) = (store, work, time, options.Value);

    /// <summary>Makes an account.</summary>
    /// <param name="email">The address to sign in with; whether it is the person's own is for the caller to know.</param>
    /// <param name="displayName">1 to 200 characters.</param>
    /// <param name="password">12 to 256 characters.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="TenancyException"><see cref="TenancyError.Exists"/>: the address has an account; or <see cref="TenancyError.Busy"/>.</exception>
    /// <exception cref="ArgumentException">Something is not valid.</exception>
    public async ValueTask<UserAccount> CreateAsync(
        string email,
        string displayName,
        string password,
        CancellationToken cancellationToken = default
    )
    {
        var (id, body, change) = await PrepareAsync(email, displayName, password, tenants: [], cancellationToken).ConfigureAwait(false);
        var result = await _store.CommitAsync([change], cancellationToken).ConfigureAwait(false);
        return result.Outcome == ControlOutcome.Done
            ? ToAccount(id, body, version: 1)
            : throw new TenancyException(TenancyError.Exists, "The address has an account already.");
    }

    /// <summary>Finds an account.</summary>
    public async ValueTask<UserAccount?> FindAsync(string id, CancellationToken cancellationToken = default)
    {
        var record = await FindRecordAsync(id, cancellationToken).ConfigureAwait(false);
        return record is null ? null : ToAccount(id, RecordJson.Read<UserRecord>(record), record.Version);
    }

    /// <summary>Finds the account of an address.</summary>
    public async ValueTask<UserAccount?> FindByEmailAsync(string email, CancellationToken cancellationToken = default)
    {
        var record = await FindByEmailRecordAsync(email, cancellationToken).ConfigureAwait(false);
        return record is null ? null : ToAccount(record.Id, RecordJson.Read<UserRecord>(record), record.Version);
    }

    /// <summary>
    /// Checks a password. Wrong ones in a row lock the account for a while; then no password is right. The answer takes as long whether there is
    /// such an account or not.
    /// </summary>
    /// <returns>The account, or <see langword="null"/>: why not is not told.</returns>
    /// <exception cref="TenancyException"><see cref="TenancyError.Changed"/>: too many tried at once; <see cref="TenancyError.Busy"/>: at other accounts.</exception>
    public async ValueTask<UserAccount?> VerifyPasswordAsync(string email, string password, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(email);
        ArgumentNullException.ThrowIfNull(password);
        if (password.Length > MaxPassword)
            return null;
        var seen = await FindByEmailRecordAsync(email, cancellationToken).ConfigureAwait(false);
        var known = seen is null ? null : RecordJson.Read<UserRecord>(seen);
        var matches = await _work
            .MatchesAsync(
                password,
                known?.Salt ?? NobodysSalt,
                known?.Hash ?? NobodysHash,
                known?.Iterations ?? _options.PasswordIterations,
                cancellationToken
            )
            .ConfigureAwait(false);
        if (seen is null || known is null)
            return null;

        // Read again after the comparison, which takes long, and counted by version: of many guesses at once none is answered before the lock counts it.
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (await FindRecordAsync(seen.Id, cancellationToken).ConfigureAwait(false) is not { } record)
                return null;
            var body = RecordJson.Read<UserRecord>(record);
            var now = _time.GetUtcNow().UtcDateTime;

            // A password that was changed meanwhile is not the one that was compared.
            if (body.LockedUntil > now || !body.Hash.AsSpan().SequenceEqual(known.Hash))
                return null;
            if (matches && body.WrongPasswords == 0)
                return ToAccount(record.Id, body, record.Version);
            var next = matches ? body with { WrongPasswords = 0, LockedUntil = null } : CountWrong(body, now);
            var result = await _store
                .CommitAsync([ControlChange.Replace(record, RecordJson.Write(next), KeyOf(next.Email))], cancellationToken)
                .ConfigureAwait(false);
            if (result.Outcome == ControlOutcome.Done)
                return matches ? ToAccount(record.Id, next, record.Version + 1) : null;
        }

        throw TenancyException.Changed();
    }

    /// <summary>Makes a person an operator of the platform, or takes it away.</summary>
    /// <exception cref="TenancyException"><see cref="TenancyError.NotFound"/>, or <see cref="TenancyError.Changed"/>.</exception>
    public ValueTask SetOperatorAsync(string id, bool isOperator, CancellationToken cancellationToken = default) =>
        ReplaceAsync(id, body => body with { IsOperator = isOperator }, cancellationToken);

    /// <summary>Gives an account another password, and ends a lock and all of its sessions.</summary>
    /// <exception cref="TenancyException"><see cref="TenancyError.NotFound"/>, <see cref="TenancyError.Changed"/>, or <see cref="TenancyError.Busy"/>.</exception>
    /// <exception cref="ArgumentException">The password is not valid.</exception>
    public async ValueTask SetPasswordAsync(string id, string password, CancellationToken cancellationToken = default)
    {
        CheckPassword(password);
        var (salt, hash) = await _work.MakeAsync(password, _options.PasswordIterations, cancellationToken).ConfigureAwait(false);
        await ReplaceAsync(
                id,
                body =>
                    body with
                    {
                        Salt = salt,
                        Hash = hash,
                        Iterations = _options.PasswordIterations,
                        WrongPasswords = 0,
                        LockedUntil = null,
                        TokenVersion = body.TokenVersion + 1,
                    },
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    /// <summary>Ends all sessions of an account, on the next request of each.</summary>
    internal ValueTask EndSessionsAsync(string id, CancellationToken cancellationToken) =>
        ReplaceAsync(id, body => body with { TokenVersion = body.TokenVersion + 1 }, cancellationToken);

    /// <summary>The address as it is compared.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    internal static string Normalize(string email)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(email);
        var trimmed = email.Trim().ToLowerInvariant();
        var at = trimmed.IndexOf('@', StringComparison.Ordinal);
        var isValid =
            trimmed.Length <= MaxText
            && at > 0
            && at == trimmed.LastIndexOf('@')
            && at < trimmed.Length - 1
            && !trimmed.Any(c => char.IsWhiteSpace(c) || char.IsControl(c));
        return isValid ? trimmed : throw new ArgumentException("It is no e-mail address.", nameof(email));
    }

    internal async ValueTask<(string Id, UserRecord Body, ControlChange Change)> PrepareAsync(
        string email,
        string displayName,
        string password,
        List<string> tenants,
        CancellationToken cancellationToken
    )
    {
        var address = Normalize(email);
        ArgumentException.ThrowIfNullOrWhiteSpace(displayName);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(displayName.Length, MaxText, nameof(displayName));
        CheckPassword(password);
        var now = _time.GetUtcNow();
        var (salt, hash) = await _work.MakeAsync(password, _options.PasswordIterations, cancellationToken).ConfigureAwait(false);
        var body = new UserRecord(address, displayName, salt, hash, _options.PasswordIterations, 0, null, tenants, now.UtcDateTime);
        var id = Guid.CreateVersion7(now).ToString("D");
        return (id, body, ControlChange.Insert(ControlScope.Platform, RecordKinds.User, id, RecordJson.Write(body), KeyOf(address)));
    }

    /// <summary>The change that adds a tenant to an account, or takes it away.</summary>
    internal static ControlChange SetTenant(ControlRecord record, TenantId tenant, bool isMember)
    {
        var body = RecordJson.Read<UserRecord>(record);
        var tenants = body.Tenants.Where(other => other != tenant.Value).ToList();
        if (isMember)
            tenants.Add(tenant.Value);
        return ControlChange.Replace(record, RecordJson.Write(body with { Tenants = tenants }), KeyOf(body.Email));
    }

    internal async ValueTask<ControlRecord> GetRecordAsync(string id, CancellationToken cancellationToken) =>
        await FindRecordAsync(id, cancellationToken).ConfigureAwait(false)
        ?? throw new TenancyException(TenancyError.NotFound, "There is no such user.");

    internal static UserAccount ToAccount(ControlRecord record) =>
        ToAccount(record.Id, RecordJson.Read<UserRecord>(record), record.Version);

    internal static UserAccount ToAccount(string id, UserRecord body, long version) =>
        new(id, body.Email, body.DisplayName, [.. body.Tenants.Select(TenantId.Parse)], version)
        {
            IsOperator = body.IsOperator,
            TokenVersion = body.TokenVersion,
        };

    private async ValueTask ReplaceAsync(string id, Func<UserRecord, UserRecord> change, CancellationToken cancellationToken)
    {
        var record = await GetRecordAsync(id, cancellationToken).ConfigureAwait(false);
        var body = change(RecordJson.Read<UserRecord>(record));
        var result = await _store
            .CommitAsync([ControlChange.Replace(record, RecordJson.Write(body), KeyOf(body.Email))], cancellationToken)
            .ConfigureAwait(false);
        if (result.Outcome != ControlOutcome.Done)
            throw TenancyException.Changed();
    }

    private static string KeyOf(string email) => $"email:{email}";

    private UserRecord CountWrong(UserRecord body, DateTime now)
    {
        var wrong = body.WrongPasswords + 1;
        return wrong < _options.MaxWrongPasswords
            ? body with
            {
                WrongPasswords = wrong,
                LockedUntil = null,
            }
            : body with
            {
                WrongPasswords = 0,
                LockedUntil = now + _options.LockoutDuration,
            };
    }

    private static void CheckPassword(string password)
    {
        ArgumentNullException.ThrowIfNull(password);
        if (password.Length is < MinPassword or > MaxPassword)
            throw new ArgumentException($"A password has {MinPassword} to {MaxPassword} characters.", nameof(password));
    }

    private ValueTask<ControlRecord?> FindRecordAsync(string id, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return _store.FindAsync(ControlScope.Platform, RecordKinds.User, id, cancellationToken);
    }

    private async ValueTask<ControlRecord?> FindByEmailRecordAsync(string email, CancellationToken cancellationToken)
    {
        string address;
        try
        {
            address = Normalize(email);
        }
        catch (ArgumentException)
        {
            // What is no address has no account.
            return null;
        }

        return await _store
            .FindByKeyAsync(ControlScope.Platform, RecordKinds.User, KeyOf(address), cancellationToken)
            .ConfigureAwait(false);
    }
}
