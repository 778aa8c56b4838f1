using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Devices;

internal sealed partial class PostgresDeviceStore
{
    public async ValueTask<string?> RotateSecretAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default)
    {
        var secret = SecretHash.NewSecret();
        var salt = RandomNumberGenerator.GetBytes(SecretHash.SaltBytes);
        var isKnown = await ChangeAsync(
                tenant,
                device,
                $"""
                update iiot.device set secret_salt = $2, secret_hash = $3,
                  secret_made_at = case when secret_hash is null then $4 else secret_made_at end,
                  secret_rotated_at = case when secret_hash is not null then $4 end
                where {OfTenant} and name = $1
                """,
                cancellationToken,
                Parameter.Bytes(salt),
                Parameter.Bytes(SecretHash.Hash(salt, Encoding.ASCII.GetBytes(secret))),
                Parameter.Time(time.GetUtcNow().UtcDateTime)
            )
            .ConfigureAwait(false);
        return isKnown ? secret : null;
    }

    public async ValueTask<bool> AddCertificateAsync(
        TenantId tenant,
        DeviceId device,
        ReadOnlyMemory<byte> certificateSha256,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(certificateSha256.Length, SHA256.HashSizeInBytes, nameof(certificateSha256));
        var sha256 = certificateSha256.ToArray();
        var standing = await TenantBatch
            .ReadAsync(
                database,
                tenant,
                batch =>
                {
                    batch.Add(
                        $"""
                        with added as (
                          insert into iiot.certificate (tenant_no, sha256, device, made_at)
                          select tenant_no, $1, name, $3 from iiot.device where {OfTenant} and name = $2
                          on conflict do nothing returning 1)
                        select 1 from added
                        union all select 1 from iiot.certificate where {OfTenant} and sha256 = $1 and device = $2
                        """,
                        Parameter.Bytes(sha256),
                        Parameter.Text(device.Value),
                        Parameter.Time(time.GetUtcNow().UtcDateTime)
                    );
                },
                static rows => rows.GetInt32(0),
                cancellationToken
            )
            .ConfigureAwait(false);
        return standing.Count > 0;
    }

    public async ValueTask<IReadOnlyList<DeviceCredentialInfo>> ListCredentialsAsync(
        TenantId tenant,
        DeviceId device,
        CancellationToken cancellationToken = default
    ) =>
        await TenantBatch
            .ReadAsync(
                database,
                tenant,
                batch =>
                    batch.Add(
                        $"""
                        with d as (select * from iiot.device where {OfTenant} and name = $1)
                        select 0 as kind, coalesce(secret_made_at, created_at) as made, secret_rotated_at, ''::bytea as sha256 from d where secret_hash is not null
                        union all select 1, psk_made_at, psk_rotated_at, '' from d where psk is not null
                        union all select 2, coalesce(c.made_at, d.created_at), null, c.sha256 from d
                          join iiot.certificate c on c.tenant_no = d.tenant_no and c.device = d.name
                        order by kind, made, sha256
                        """,
                        Parameter.Text(device.Value)
                    ),
                ToCredential,
                cancellationToken
            )
            .ConfigureAwait(false);

    public async ValueTask<bool> RevokeCredentialAsync(
        TenantId tenant,
        DeviceId device,
        string credentialId,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(credentialId);
        return credentialId switch
        {
            DeviceCredentialInfo.PasswordId => await ChangeAsync(
                    tenant,
                    device,
                    $"""
                    update iiot.device set secret_salt = null, secret_hash = null, secret_made_at = null, secret_rotated_at = null
                    where {OfTenant} and name = $1 and secret_hash is not null
                    """,
                    cancellationToken
                )
                .ConfigureAwait(false),
            DeviceCredentialInfo.PreSharedKeyId => await ChangeAsync(
                    tenant,
                    device,
                    $"""
                    update iiot.device set psk = null, psk_made_at = null, psk_rotated_at = null
                    where {OfTenant} and name = $1 and psk is not null
                    """,
                    cancellationToken
                )
                .ConfigureAwait(false),
            _ => await ChangeAsync(
                    tenant,
                    device,
                    $"delete from iiot.certificate where {OfTenant} and device = $1 and encode(sha256, 'hex') = $2",
                    cancellationToken,
                    Parameter.Text(credentialId)
                )
                .ConfigureAwait(false),
        };
    }

    public async ValueTask<DevicePsk?> SetPskAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default)
    {
        var psk = new DevicePsk(CredentialSeal.IdentityOf(tenant, device), CredentialSeal.NewKey());
        var isKnown = await ChangeAsync(
                tenant,
                device,
                $"""
                update iiot.device set psk = $2,
                  psk_made_at = case when psk is null then $3 else psk_made_at end,
                  psk_rotated_at = case when psk is not null then $3 end
                where {OfTenant} and name = $1
                """,
                cancellationToken,
                Parameter.Bytes(CredentialSeal.Seal(options.Value.CredentialKey, psk.Identity, psk.Key.Span)),
                Parameter.Time(time.GetUtcNow().UtcDateTime)
            )
            .ConfigureAwait(false);
        return isKnown ? psk : null;
    }

    public async ValueTask<DevicePsk?> FindPskAsync(string identity, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(identity);
        if (!DeviceCredential.TrySplitUserName(identity, out var device, out var tenant))
            return null;
        var found = await TenantBatch
            .ReadAsync(
                database,
                tenant,
                batch =>
                    batch.Add(
                        $"select psk from iiot.device where {OfTenant} and name = $1 and is_enabled and psk is not null",
                        Parameter.Text(device.Value)
                    ),
                static rows => rows.GetFieldValue<byte[]>(0),
                cancellationToken
            )
            .ConfigureAwait(false);
        return found.Count == 0 ? null : new DevicePsk(identity, CredentialSeal.Open(options.Value.CredentialKey, identity, found[0]));
    }

    /// <summary>Runs a statement about a device, whose name is $1.</summary>
    /// <returns>Whether it changed a row.</returns>
    private async Task<bool> ChangeAsync(
        TenantId tenant,
        DeviceId device,
        string sql,
        CancellationToken cancellationToken,
        params NpgsqlParameter[] others
    ) =>
        await TenantBatch
            .RunAsync(database, tenant, batch => batch.Add(sql, [Parameter.Text(device.Value), .. others]), cancellationToken)
            .ConfigureAwait(false) > 0;

    private static DeviceCredentialInfo ToCredential(NpgsqlDataReader rows)
    {
        var kind = (DeviceCredentialKind)rows.GetInt32(0);
        var sha256 = rows.GetFieldValue<byte[]>(3);
        return new DeviceCredentialInfo
        {
            Id = kind switch
            {
                DeviceCredentialKind.Password => DeviceCredentialInfo.PasswordId,
                DeviceCredentialKind.PreSharedKey => DeviceCredentialInfo.PreSharedKeyId,
                _ => Convert.ToHexStringLower(sha256),
            },
            Kind = kind,
            CreatedAt = rows.GetDateTime(1),
            RotatedAt = rows.IsDBNull(2) ? null : rows.GetDateTime(2),
            CertificateSha256 = sha256,
        };
    }
}
