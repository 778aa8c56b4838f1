using System.Globalization;
using System.Security.Cryptography;
using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Audit;

/// <summary>The signing keys, which are the platform's records; the last one signs.</summary>
internal sealed class AuditKeys(IControlStore store, TimeProvider time)
{
    private const int Page = 100;

    /// <summary>Reads the key that signs, and makes the first one: of hosts that do so at once, one does.</summary>
    public async ValueTask<ControlRecord> GetCurrentAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var records = await ListAsync(cancellationToken).ConfigureAwait(false);
            if (records.Count > 0)
                return records[^1];
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            await store.CommitAsync([Insert(1, Make(key, previousId: null, previous: null))], cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Makes another key, and erases the private part of the one before it.</summary>
    /// <exception cref="TenancyException"><see cref="TenancyError.Changed"/>: somebody else did meanwhile.</exception>
    public async ValueTask<AuditPublicKey> RotateAsync(CancellationToken cancellationToken)
    {
        var current = await GetCurrentAsync(cancellationToken).ConfigureAwait(false);
        var body = AuditJson.Read<AuditKeyRecord>(current);
        using var previous = Open(body);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var number = long.Parse(current.Id, CultureInfo.InvariantCulture) + 1;
        var next = Make(key, body.Public.Id, previous);
        var erase = ControlChange.Replace(current, AuditJson.Write(body with { PrivateKey = null }));
        var result = await store.CommitAsync([erase, Insert(number, next)], cancellationToken).ConfigureAwait(false);
        return result.Outcome == ControlOutcome.Done ? next.Public.ToPublicKey() : throw TenancyException.Changed();
    }

    /// <summary>All of them, the oldest first.</summary>
    public async ValueTask<List<AuditKeyStatement>> ReadAllAsync(CancellationToken cancellationToken)
    {
        await GetCurrentAsync(cancellationToken).ConfigureAwait(false);
        var records = await ListAsync(cancellationToken).ConfigureAwait(false);
        return [.. records.Select(record => AuditJson.Read<AuditKeyRecord>(record).Public)];
    }

    /// <summary>The key itself, which the caller disposes.</summary>
    public static ECDsa Open(AuditKeyRecord record)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportPkcs8PrivateKey(record.PrivateKey, out _);
            return key;
        }
        catch (CryptographicException e)
        {
            key.Dispose();
            throw AuditJson.Damaged($"The audit key {record.Public.Id} is damaged.", e);
        }
    }

    private AuditKeyRecord Make(ECDsa key, string? previousId, ECDsa? previous) =>
        new(AuditKeyStatement.Make(key, time.GetUtcNow().UtcDateTime, previousId, previous), key.ExportPkcs8PrivateKey());

    private static ControlChange Insert(long number, AuditKeyRecord key) =>
        ControlChange.Insert(ControlScope.Platform, RecordKinds.AuditKey, AuditStore.IdOf(number), AuditJson.Write(key));

    private async ValueTask<List<ControlRecord>> ListAsync(CancellationToken cancellationToken)
    {
        var all = new List<ControlRecord>();
        while (true)
        {
            var page = await store
                .ListAsync(ControlScope.Platform, RecordKinds.AuditKey, all.Count == 0 ? null : all[^1].Id, Page, cancellationToken)
                .ConfigureAwait(false);
            all.AddRange(page);
            if (page.Count < Page)
                return all;
        }
    }
}
