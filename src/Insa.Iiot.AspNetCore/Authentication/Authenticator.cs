using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Insa.Iiot.Tenancy;
using Insa.Iiot.Tenancy.Access;

namespace Insa.Iiot.AspNetCore.Authentication;

/// <summary>Finds who shows a bearer token: an access token or an API key. What was checked once is remembered by its hash while it is good.</summary>
internal sealed class Authenticator(AccessTokens tokens, ApiKeys apiKeys, AccessDirectory access, TimeProvider time)
{
    private const int MostRemembered = 20_000;

    private readonly ConcurrentDictionary<TokenHash, (AccessKey Key, DateTime ExpiresAt)> _checked = new();

    /// <returns><see langword="null"/> if it does not hold, or not any more.</returns>
    public ValueTask<CallerPrincipal?> FindAsync(ReadOnlySpan<char> bearer, CancellationToken cancellationToken)
    {
        var hash = TokenHash.Of(bearer);
        if (!_checked.TryGetValue(hash, out var known) || time.GetUtcNow().UtcDateTime >= known.ExpiresAt)
            return CheckAsync(hash, bearer.ToString(), cancellationToken);
        var found = access.FindAsync(known.Key, cancellationToken);
        return found.IsCompletedSuccessfully ? new(Of(found.Result)) : AwaitAsync(found);
    }

    private static async ValueTask<CallerPrincipal?> AwaitAsync(ValueTask<AccessGrant?> found) => Of(await found.ConfigureAwait(false));

    private static CallerPrincipal? Of(AccessGrant? grant) => grant is null ? null : CallerPrincipal.Of(grant);

    private async ValueTask<CallerPrincipal?> CheckAsync(TokenHash hash, string bearer, CancellationToken cancellationToken)
    {
        var found = bearer.StartsWith(ApiKeyText.Prefix, StringComparison.Ordinal)
            ? await CheckApiKeyAsync(bearer, cancellationToken).ConfigureAwait(false)
            : await tokens.ValidateAsync(bearer, cancellationToken).ConfigureAwait(false);
        if (found is not { } good)
        {
            _checked.TryRemove(hash, out _);
            return null;
        }

        if (_checked.Count >= MostRemembered)
            _checked.Clear();
        _checked[hash] = good;
        return Of(await access.FindAsync(good.Key, cancellationToken).ConfigureAwait(false));
    }

    private async ValueTask<(AccessKey Key, DateTime ExpiresAt)?> CheckApiKeyAsync(string bearer, CancellationToken cancellationToken) =>
        ApiKeyText.TryParse(bearer, out var text) && await apiKeys.VerifyAsync(text, cancellationToken).ConfigureAwait(false) is { } key
            ? (new AccessKey(key.Id, null, text.Tenant, 0), key.ExpiresAt ?? DateTime.MaxValue)
            : null;

    private readonly record struct TokenHash(UInt128 High, UInt128 Low)
    {
        public static TokenHash Of(ReadOnlySpan<char> bearer)
        {
            const int OnStack = 1024;
            byte[]? rented = null;
            var length = Encoding.UTF8.GetByteCount(bearer);
            var bytes = length <= OnStack ? stackalloc byte[OnStack] : rented = ArrayPool<byte>.Shared.Rent(length);
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(bearer, bytes)], hash);
            if (rented is not null)
                ArrayPool<byte>.Shared.Return(rented, clearArray: true);
            return new TokenHash(BinaryPrimitives.ReadUInt128BigEndian(hash), BinaryPrimitives.ReadUInt128BigEndian(hash[16..]));
        }
    }
}
