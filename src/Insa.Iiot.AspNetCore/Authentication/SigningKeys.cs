using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace Insa.Iiot.AspNetCore.Authentication;

/// <summary>
/// The keys that sign access tokens (ECDSA P-256), shared by all hosts over one store and made by whoever needs one first. A new key is made
/// before the old one's time is over, and signs only when every host has had time to read it.
/// </summary>
internal sealed class SigningKeys(IControlStore store, TimeProvider time, IOptions<RestApiOptions> options) : IDisposable
{
    private const string Kind = "signing-key";
    private const int MostKeys = 100;

    private static readonly TimeSpan Ahead = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Freshness = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LeastBetweenReads = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _reading = new(1);
    private volatile Read? _read;

    /// <summary>The key that signs now.</summary>
    public async ValueTask<ECDsaSecurityKey> GetSigningKeyAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await GetAsync(Freshness, cancellationToken).ConfigureAwait(false);
            var now = time.GetUtcNow().UtcDateTime;
            if (read.Keys.LastOrDefault(key => key.Record.SignsFrom <= now) is { } signing && now < EndOf(signing.Record))
            {
                if (now >= EndOf(signing.Record) - (2 * Ahead) && read.Keys[^1] == signing)
                    await MakeAsync(now + Ahead, cancellationToken).ConfigureAwait(false);
                return signing.Key;
            }

            // None yet, or nobody needed one for long.
            await MakeAsync(now, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Finds the key that a token names.</summary>
    public async ValueTask<ECDsaSecurityKey?> FindAsync(string? id, CancellationToken cancellationToken)
    {
        var read = await GetAsync(Freshness, cancellationToken).ConfigureAwait(false);
        if (Find(read, id) is { } known)
            return known;

        // Another host may have made it just now; who shows made-up names costs one read a second.
        return Find(await GetAsync(LeastBetweenReads, cancellationToken).ConfigureAwait(false), id);
    }

    /// <summary>The public halves of all keys that tokens may be signed by (RFC 7517).</summary>
    public async ValueTask<IReadOnlyList<ECDsaSecurityKey>> ListAsync(CancellationToken cancellationToken)
    {
        _ = await GetSigningKeyAsync(cancellationToken).ConfigureAwait(false);
        return [.. (await GetAsync(Freshness, cancellationToken).ConfigureAwait(false)).Keys.Select(key => key.Key)];
    }

    public void Dispose()
    {
        _reading.Dispose();
        foreach (var key in _read?.Keys ?? [])
            key.Key.ECDsa.Dispose();
    }

    private DateTime EndOf(SigningKeyRecord record) => record.SignsFrom + options.Value.SigningKeyLifetime;

    private static ECDsaSecurityKey? Find(Read read, string? id) => read.Keys.FirstOrDefault(key => key.Key.KeyId == id)?.Key;

    private async ValueTask<Read> GetAsync(TimeSpan freshness, CancellationToken cancellationToken)
    {
        if (_read is { } fresh && time.GetElapsedTime(fresh.At) < freshness)
            return fresh;
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_read is { } other && time.GetElapsedTime(other.At) < freshness)
                return other;
            return _read = await ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _reading.Release();
        }
    }

    // Keys that are known already are kept: their handles are in use.
    private async ValueTask<Read> ReadAsync(CancellationToken cancellationToken)
    {
        var at = time.GetTimestamp();
        var now = time.GetUtcNow().UtcDateTime;
        var known = _read?.Keys ?? [];
        var keys = new List<SigningKey>();
        var records = await store.ListAsync(ControlScope.Platform, Kind, after: null, MostKeys, cancellationToken).ConfigureAwait(false);
        foreach (var record in records)
        {
            var body = JsonSerializer.Deserialize(record.Body.Span, SigningKeyJson.Default.SigningKeyRecord)!;
            if (now < EndOf(body) + options.Value.AccessTokenLifetime)
                keys.Add(known.FirstOrDefault(key => key.Key.KeyId == record.Id) ?? SigningKey.Of(record.Id, body));
            else
                await store.CommitAsync([ControlChange.Delete(record)], cancellationToken).ConfigureAwait(false);
        }

        return new Read(keys, at);
    }

    private async ValueTask MakeAsync(DateTime signsFrom, CancellationToken cancellationToken)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = time.GetUtcNow();
        var body = new SigningKeyRecord(now.UtcDateTime, signsFrom, key.ExportPkcs8PrivateKey());
        var id = Guid.CreateVersion7(now).ToString("N");
        var json = JsonSerializer.SerializeToUtf8Bytes(body, SigningKeyJson.Default.SigningKeyRecord);
        await store.CommitAsync([ControlChange.Insert(ControlScope.Platform, Kind, id, json)], cancellationToken).ConfigureAwait(false);
        await GetAsync(TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
    }

    private sealed record Read(IReadOnlyList<SigningKey> Keys, long At);

    private sealed record SigningKey(ECDsaSecurityKey Key, SigningKeyRecord Record)
    {
        public static SigningKey Of(string id, SigningKeyRecord record)
        {
            var key = ECDsa.Create();
            key.ImportPkcs8PrivateKey(record.PrivateKey, out _);
            return new SigningKey(new ECDsaSecurityKey(key) { KeyId = id }, record);
        }
    }
}
