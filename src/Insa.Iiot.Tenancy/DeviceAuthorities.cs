using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Tenancy.Access;
using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy;

/// <summary>
/// The certificate authorities that tenants trust to say which device is which: a factory issues certificates, and nobody has to register each of
/// them. Thread-safe, and safe between hosts.
/// </summary>
/// <remarks>
/// A device's certificate has to be issued by the authority itself, with the key usage of a TLS client where it names any. Its subject has one
/// common name: <c>device@tenant</c>, or the device's id alone where the device also says <c>device@tenant</c> as its user name. The device
/// has to be registered and enabled. An authority is trusted by the tenant that registered it alone, so that another tenant gains nothing by
/// registering the same.
/// </remarks>
public sealed class DeviceAuthorities
{
    /// <summary>The most authorities of a tenant.</summary>
    public const int MaxAuthorities = 20;

    /// <summary>The most revoked certificates of a tenant.</summary>
    public const int MaxRevoked = 100_000;

    private const int MaxName = 100;
    private const int Attempts = 8;
    private const string Id = "device-authorities";
    private const string RevokedCounter = "revoked-certificates";

    private readonly IControlStore _store;
    private readonly TimeProvider _time;

    internal DeviceAuthorities(IControlStore store, TimeProvider time) => (_store, _time) = (store, time);

    /// <summary>Trusts an authority.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="certificate">Its certificate, root or intermediate; its private key is not needed and not kept.</param>
    /// <param name="name">What people call it, at most 100 characters.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="TenancyException">
    /// <see cref="TenancyError.Exists"/>, <see cref="TenancyError.QuotaExceeded"/>: there are <see cref="MaxAuthorities"/>, or <see cref="TenancyError.Changed"/>.
    /// </exception>
    /// <exception cref="ArgumentException">The name is not valid, or the certificate is not a certificate authority's, is out of date, or has a weak key.</exception>
    public async ValueTask<DeviceAuthority> AddAsync(
        TenantId tenant,
        X509Certificate2 certificate,
        string name,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(certificate);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, MaxName, nameof(name));
        var now = _time.GetUtcNow().UtcDateTime;
        if (IssuedCertificate.WhyNoAuthority(certificate, now) is { } reason)
            throw new ArgumentException(reason, nameof(certificate));
        var added = new DeviceAuthorityRecord(IdOf(certificate), name, certificate.RawData, now);
        await ChangeAsync(
                tenant,
                seen =>
                    Array.Exists(seen, authority => authority.Id == added.Id)
                        ? throw new TenancyException(TenancyError.Exists, "The tenant trusts this authority already.")
                    : seen.Length >= MaxAuthorities
                        ? throw new TenancyException(TenancyError.QuotaExceeded, $"A tenant trusts at most {MaxAuthorities} authorities.")
                    : [.. seen, added],
                cancellationToken
            )
            .ConfigureAwait(false);
        return ToAuthority(added);
    }

    /// <summary>Lists the authorities of a tenant, in the order in which they came.</summary>
    public async ValueTask<IReadOnlyList<DeviceAuthority>> ListAsync(TenantId tenant, CancellationToken cancellationToken = default) =>
        [.. (await ReadAsync(tenant, cancellationToken).ConfigureAwait(false)).Select(ToAuthority)];

    /// <summary>Finds an authority.</summary>
    public async ValueTask<DeviceAuthority?> FindAsync(TenantId tenant, string id, CancellationToken cancellationToken = default) =>
        Array.Find(await ReadAsync(tenant, cancellationToken).ConfigureAwait(false), authority => authority.Id == id) is { } found
            ? ToAuthority(found)
            : null;

    /// <summary>Trusts an authority no more. Devices that are connected stay so until they connect again.</summary>
    /// <returns>Whether there was such an authority.</returns>
    /// <exception cref="TenancyException"><see cref="TenancyError.Changed"/>.</exception>
    public async ValueTask<bool> RemoveAsync(TenantId tenant, string id, CancellationToken cancellationToken = default)
    {
        var isKnown = false;
        await ChangeAsync(
                tenant,
                seen =>
                {
                    isKnown = Array.Exists(seen, authority => authority.Id == id);
                    return [.. seen.Where(authority => authority.Id != id)];
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        return isKnown;
    }

    /// <summary>Takes one certificate of an authority out of use, as when a device's key has got out. It stays so should the authority come again.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="id">The authority.</param>
    /// <param name="serial">The serial number in hexadecimal, with or without colons.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>What holds now; <see langword="null"/> if there is no such authority.</returns>
    /// <exception cref="TenancyException"><see cref="TenancyError.QuotaExceeded"/>: there are <see cref="MaxRevoked"/>.</exception>
    /// <exception cref="ArgumentException">It is no serial number.</exception>
    public async ValueTask<RevokedCertificate?> RevokeAsync(
        TenantId tenant,
        string id,
        string serial,
        CancellationToken cancellationToken = default
    )
    {
        var number = IssuedCertificate.NormalizeSerial(serial) ?? throw new ArgumentException("It is no serial number.", nameof(serial));
        if (await FindAsync(tenant, id, cancellationToken).ConfigureAwait(false) is null)
            return null;
        var body = new RevokedCertificateRecord(_time.GetUtcNow().UtcDateTime);
        var result = await _store
            .CommitAsync(
                [
                    ControlChange.Insert(
                        ControlScope.Of(tenant),
                        RecordKinds.RevokedCertificate,
                        RecordOf(id, number),
                        RecordJson.Write(body)
                    ),
                    ControlChange.Bound(tenant, RevokedCounter, least: null, MaxRevoked),
                    ControlChange.Count(tenant, RevokedCounter, 1),
                ],
                cancellationToken
            )
            .ConfigureAwait(false);
        return result.Outcome switch
        {
            ControlOutcome.Done => new RevokedCertificate(number, body.RevokedAt),
            ControlOutcome.Full => throw new TenancyException(
                TenancyError.QuotaExceeded,
                $"A tenant has at most {MaxRevoked} revoked certificates: begin with a new authority."
            ),
            _ => await FindRevokedAsync(tenant, id, number, cancellationToken).ConfigureAwait(false) ?? throw TenancyException.Changed(),
        };
    }

    /// <summary>Finds a revoked certificate of an authority.</summary>
    public async ValueTask<RevokedCertificate?> FindRevokedAsync(
        TenantId tenant,
        string id,
        string serial,
        CancellationToken cancellationToken = default
    ) => await FindRecordAsync(tenant, id, serial, cancellationToken).ConfigureAwait(false) is { } record ? ToRevoked(record) : null;

    /// <summary>Lists the revoked certificates of an authority by serial number, as text, after <paramref name="after"/>.</summary>
    public async ValueTask<IReadOnlyList<RevokedCertificate>> ListRevokedAsync(
        TenantId tenant,
        string id,
        string? after,
        int limit,
        CancellationToken cancellationToken = default
    )
    {
        var records = await _store
            .ListAsync(ControlScope.Of(tenant), RecordKinds.RevokedCertificate, RecordOf(id, after ?? ""), limit, cancellationToken)
            .ConfigureAwait(false);
        return [.. records.TakeWhile(record => record.Id.StartsWith(RecordOf(id, ""), StringComparison.Ordinal)).Select(ToRevoked)];
    }

    /// <summary>Puts a revoked certificate back into use.</summary>
    /// <returns>Whether it was revoked.</returns>
    public async ValueTask<bool> ReinstateAsync(TenantId tenant, string id, string serial, CancellationToken cancellationToken = default)
    {
        if (await FindRecordAsync(tenant, id, serial, cancellationToken).ConfigureAwait(false) is not { } record)
            return false;
        var result = await _store
            .CommitAsync([ControlChange.Delete(record), ControlChange.Count(tenant, RevokedCounter, -1)], cancellationToken)
            .ConfigureAwait(false);
        return result.Outcome == ControlOutcome.Done;
    }

    /// <summary>Reads the authorities with their certificates.</summary>
    internal async ValueTask<DeviceAuthorityRecord[]> ReadAsync(TenantId tenant, CancellationToken cancellationToken) =>
        await FindAllAsync(tenant, cancellationToken).ConfigureAwait(false) is { } record
            ? RecordJson.Read<DeviceAuthoritiesRecord>(record).Authorities
            : [];

    private static string IdOf(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.RawDataMemory.Span));

    private static string RecordOf(string id, string serial) => $"{id}.{serial}";

    private static DeviceAuthority ToAuthority(DeviceAuthorityRecord record)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(record.Certificate);
        return new DeviceAuthority
        {
            Id = record.Id,
            Name = record.Name,
            Subject = certificate.Subject,
            NotBefore = certificate.NotBefore.ToUniversalTime(),
            NotAfter = certificate.NotAfter.ToUniversalTime(),
            CreatedAt = record.CreatedAt,
        };
    }

    private static RevokedCertificate ToRevoked(ControlRecord record) =>
        new(
            record.Id[(record.Id.IndexOf('.', StringComparison.Ordinal) + 1)..],
            RecordJson.Read<RevokedCertificateRecord>(record).RevokedAt
        );

    private async ValueTask<ControlRecord?> FindRecordAsync(
        TenantId tenant,
        string id,
        string serial,
        CancellationToken cancellationToken
    ) =>
        IssuedCertificate.NormalizeSerial(serial) is { } number
            ? await _store
                .FindAsync(ControlScope.Of(tenant), RecordKinds.RevokedCertificate, RecordOf(id, number), cancellationToken)
                .ConfigureAwait(false)
            : null;

    private ValueTask<ControlRecord?> FindAllAsync(TenantId tenant, CancellationToken cancellationToken) =>
        _store.FindAsync(ControlScope.Of(tenant), RecordKinds.DeviceAuthorities, Id, cancellationToken);

    // All of a tenant's are in one record, so that there are never more than there may be.
    private async ValueTask ChangeAsync(
        TenantId tenant,
        Func<DeviceAuthorityRecord[], DeviceAuthorityRecord[]> change,
        CancellationToken cancellationToken
    )
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var record = await FindAllAsync(tenant, cancellationToken).ConfigureAwait(false);
            var seen = record is null ? [] : RecordJson.Read<DeviceAuthoritiesRecord>(record).Authorities;
            var wanted = change(seen);
            if (wanted.Length == seen.Length)
                return;
            var body = RecordJson.Write(new DeviceAuthoritiesRecord(wanted));
            var result = await _store
                .CommitAsync(
                    [
                        record is null
                            ? ControlChange.Insert(ControlScope.Of(tenant), RecordKinds.DeviceAuthorities, Id, body)
                            : ControlChange.Replace(record, body),
                    ],
                    cancellationToken
                )
                .ConfigureAwait(false);
            if (result.Outcome == ControlOutcome.Done)
                return;
        }

        throw TenancyException.Changed();
    }
}
