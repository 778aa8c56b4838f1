using System.Security.Cryptography;
using System.Text;
using Insa.Iiot.Storage.Sqlite.Telemetry;
using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Devices;

internal sealed partial class SqliteDeviceStore
{
    public ValueTask<string?> RotateSecretAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default)
    {
        var secret = SecretHash.NewSecret();
        var salt = RandomNumberGenerator.GetBytes(SecretHash.SaltBytes);
        var known = database.Transact(command =>
        {
            command.CommandText = $"""
                UPDATE device SET secret_salt = $salt, secret_hash = $hash,
                  secret_made_at = CASE WHEN secret_hash IS NULL THEN $now ELSE secret_made_at END,
                  secret_rotated_at = CASE WHEN secret_hash IS NULL THEN NULL ELSE $now END
                WHERE {OfDevice}
                """;
            Bind(command, tenant, device);
            command.Parameters.AddWithValue("$salt", salt);
            command.Parameters.AddWithValue("$hash", SecretHash.Hash(salt, Encoding.ASCII.GetBytes(secret)));
            command.Parameters.AddWithValue("$now", Now());
            return command.ExecuteNonQuery() > 0;
        });
        return ValueTask.FromResult(known ? secret : null);
    }

    public ValueTask<bool> AddCertificateAsync(
        TenantId tenant,
        DeviceId device,
        ReadOnlyMemory<byte> certificateSha256,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(certificateSha256.Length, SHA256.HashSizeInBytes, nameof(certificateSha256));
        return ValueTask.FromResult(
            database.Transact(command =>
            {
                command.CommandText = $"""
                    INSERT OR IGNORE INTO certificate (sha256, tenant, device, made_at) SELECT $sha256, tenant, id, $now FROM device WHERE {OfDevice};
                    SELECT 1 FROM certificate WHERE sha256 = $sha256 AND device = (SELECT id FROM device WHERE {OfDevice})
                    """;
                Bind(command, tenant, device);
                command.Parameters.AddWithValue("$sha256", certificateSha256.ToArray());
                command.Parameters.AddWithValue("$now", Now());
                return command.ExecuteScalar() is not null;
            })
        );
    }

    public ValueTask<IReadOnlyList<DeviceCredentialInfo>> ListCredentialsAsync(
        TenantId tenant,
        DeviceId device,
        CancellationToken cancellationToken = default
    )
    {
        return ValueTask.FromResult(
            database.Read<IReadOnlyList<DeviceCredentialInfo>>(connection =>
            {
                using var command = connection.CreateCommand();
                command.CommandText = $"""
                    WITH d AS (SELECT * FROM device WHERE {OfDevice})
                    SELECT 0 AS kind, coalesce(secret_made_at, created_at) AS made, secret_rotated_at, NULL AS sha256 FROM d WHERE secret_hash IS NOT NULL
                    UNION ALL SELECT 1, psk_made_at, psk_rotated_at, NULL FROM d WHERE psk IS NOT NULL
                    UNION ALL SELECT 2, coalesce(c.made_at, d.created_at), NULL, c.sha256 FROM d JOIN certificate c ON c.device = d.id
                    ORDER BY kind, made, sha256
                    """;
                Bind(command, tenant, device);
                var credentials = new List<DeviceCredentialInfo>();
                using var rows = command.ExecuteReader();
                while (rows.Read())
                    credentials.Add(ReadCredential(rows));
                return credentials;
            })
        );
    }

    public ValueTask<bool> RevokeCredentialAsync(
        TenantId tenant,
        DeviceId device,
        string credentialId,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(credentialId);
        return ValueTask.FromResult(
            database.Transact(command =>
            {
                Bind(command, tenant, device);
                command.Parameters.AddWithValue("$id", credentialId);
                command.CommandText = credentialId switch
                {
                    DeviceCredentialInfo.PasswordId =>
                        $"UPDATE device SET secret_salt = NULL, secret_hash = NULL, secret_made_at = NULL, secret_rotated_at = NULL WHERE {OfDevice} AND secret_hash IS NOT NULL",
                    DeviceCredentialInfo.PreSharedKeyId =>
                        $"UPDATE device SET psk = NULL, psk_made_at = NULL, psk_rotated_at = NULL WHERE {OfDevice} AND psk IS NOT NULL",
                    _ => $"DELETE FROM certificate WHERE device = (SELECT id FROM device WHERE {OfDevice}) AND lower(hex(sha256)) = $id",
                };
                return command.ExecuteNonQuery() > 0;
            })
        );
    }

    public ValueTask<DevicePsk?> SetPskAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default)
    {
        var psk = new DevicePsk(CredentialSeal.IdentityOf(tenant, device), CredentialSeal.NewKey());
        var known = database.Transact(command =>
        {
            command.CommandText = $"""
                UPDATE device SET psk = $psk,
                  psk_made_at = CASE WHEN psk IS NULL THEN $now ELSE psk_made_at END,
                  psk_rotated_at = CASE WHEN psk IS NULL THEN NULL ELSE $now END
                WHERE {OfDevice}
                """;
            Bind(command, tenant, device);
            command.Parameters.AddWithValue("$psk", CredentialSeal.Seal(options.Value.CredentialKey, psk.Identity, psk.Key.Span));
            command.Parameters.AddWithValue("$now", Now());
            return command.ExecuteNonQuery() > 0;
        });
        return ValueTask.FromResult(known ? psk : null);
    }

    public ValueTask<DevicePsk?> FindPskAsync(string identity, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(identity);
        if (!DeviceCredential.TrySplitUserName(identity, out var device, out var tenant))
            return ValueTask.FromResult<DevicePsk?>(null);
        var psk = database.Read(connection => ReadPsk(connection, tenant, device));
        return ValueTask.FromResult(
            psk is null ? null : new DevicePsk(identity, CredentialSeal.Open(options.Value.CredentialKey, identity, psk))
        );
    }

    private static DeviceCredentialInfo ReadCredential(SqliteDataReader rows)
    {
        var kind = (DeviceCredentialKind)rows.GetInt32(0);
        var sha256 = rows.IsDBNull(3) ? [] : (byte[])rows.GetValue(3);
        return new DeviceCredentialInfo
        {
            Id = kind switch
            {
                DeviceCredentialKind.Password => DeviceCredentialInfo.PasswordId,
                DeviceCredentialKind.PreSharedKey => DeviceCredentialInfo.PreSharedKeyId,
                _ => Convert.ToHexStringLower(sha256),
            },
            Kind = kind,
            CreatedAt = MicrosecondTime.ToDateTime(rows.GetInt64(1)),
            RotatedAt = rows.IsDBNull(2) ? null : MicrosecondTime.ToDateTime(rows.GetInt64(2)),
            CertificateSha256 = sha256,
        };
    }
}
