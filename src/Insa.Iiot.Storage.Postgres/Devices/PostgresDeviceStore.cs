using System.Security.Cryptography;
using System.Text;
using Insa.Iiot.Storage.Postgres.Control;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Devices;

/// <summary>Devices and their credentials.</summary>
internal sealed class PostgresDeviceStore(PostgresDatabase database, TimeProvider time) : IDeviceRegistry, IDeviceAuthenticator
{
    private const string OfTenant = "tenant_no = " + TenantBatch.Number;

    public async ValueTask<bool> AddAsync(TenantId tenant, Device device, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(device.DisplayName.Length, 200, nameof(device));
        return await CountingAsync(
                tenant,
                1,
                new NpgsqlBatchCommand(
                    $"insert into iiot.device (tenant_no, name, display_name, gateway, created_at) values ({TenantBatch.Number}, $1, $2, $3, $4) on conflict do nothing"
                )
                {
                    Parameters =
                    {
                        Parameter.Text(device.Id.Value),
                        Parameter.Text(device.DisplayName),
                        Parameter.Text(device.Gateway?.Value),
                        Parameter.Time(time.GetUtcNow().UtcDateTime),
                    },
                },
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    public async ValueTask<Device?> FindAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default)
    {
        var found = await TenantBatch
            .ReadAsync(
                database,
                tenant,
                batch =>
                    batch.Add(
                        $"select name, display_name, gateway, created_at from iiot.device where {OfTenant} and name = $1",
                        Parameter.Text(device.Value)
                    ),
                ToDevice,
                cancellationToken
            )
            .ConfigureAwait(false);
        return found.Count > 0 ? found[0] : null;
    }

    public async ValueTask<IReadOnlyList<Device>> ListAsync(
        TenantId tenant,
        DeviceId? after,
        int limit,
        CancellationToken cancellationToken = default
    ) =>
        await TenantBatch
            .ReadAsync(
                database,
                tenant,
                batch =>
                    batch.Add(
                        $"select name, display_name, gateway, created_at from iiot.device where {OfTenant} and name > $1 order by name limit $2",
                        Parameter.Text(after?.Value ?? ""),
                        Parameter.Number(limit)
                    ),
                ToDevice,
                cancellationToken
            )
            .ConfigureAwait(false);

    public async ValueTask<bool> RemoveAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default) =>
        // Who gets its id later must not inherit the devices it spoke for.
        await CountingAsync(
                tenant,
                -1,
                new NpgsqlBatchCommand(
                    $"""
                    with spoken_for as (update iiot.device set gateway = null where {OfTenant} and gateway = $1 and name <> $1)
                    delete from iiot.device where {OfTenant} and name = $1
                    """
                )
                {
                    Parameters = { Parameter.Text(device.Value) },
                },
                cancellationToken
            )
            .ConfigureAwait(false);

    public async ValueTask<string?> RotateSecretAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default)
    {
        var secret = SecretHash.NewSecret();
        var salt = RandomNumberGenerator.GetBytes(SecretHash.SaltBytes);
        var known = await TenantBatch
            .RunAsync(
                database,
                tenant,
                batch =>
                    batch.Add(
                        $"update iiot.device set secret_salt = $1, secret_hash = $2 where {OfTenant} and name = $3",
                        Parameter.Bytes(salt),
                        Parameter.Bytes(SecretHash.Hash(salt, Encoding.ASCII.GetBytes(secret))),
                        Parameter.Text(device.Value)
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        return known > 0 ? secret : null;
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
                          insert into iiot.certificate (tenant_no, sha256, device)
                          select tenant_no, $1, name from iiot.device where {OfTenant} and name = $2
                          on conflict do nothing returning 1)
                        select 1 from added
                        union all select 1 from iiot.certificate where {OfTenant} and sha256 = $1 and device = $2
                        """,
                        Parameter.Bytes(sha256),
                        Parameter.Text(device.Value)
                    );
                },
                static rows => rows.GetInt32(0),
                cancellationToken
            )
            .ConfigureAwait(false);
        return standing.Count > 0;
    }

    public async ValueTask<DeviceSession?> AuthenticateAsync(DeviceCredential credential, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(credential);
        try
        {
            return credential.CertificateSha256.IsEmpty
                ? await ByPasswordAsync(credential, cancellationToken).ConfigureAwait(false)
                : await ByCertificateAsync(credential, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    /// <summary>Adds or removes one device, and counts it in the same transaction.</summary>
    /// <returns>Whether the statement changed a row; otherwise nothing is counted.</returns>
    private async Task<bool> CountingAsync(TenantId tenant, int amount, NpgsqlBatchCommand statement, CancellationToken cancellationToken)
    {
        try
        {
            var result = await ControlBatch
                .CommitAsync(database, batch => batch.AddCounted(tenant, IDeviceRegistry.Counter, amount, statement), cancellationToken)
                .ConfigureAwait(false);
            return result.Outcome switch
            {
                ControlOutcome.Done => true,
                ControlOutcome.Full => throw new LimitReachedException(IDeviceRegistry.Counter),
                _ => false,
            };
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    private async Task<DeviceSession?> ByPasswordAsync(DeviceCredential credential, CancellationToken cancellationToken)
    {
        byte[]? salt = null;
        byte[]? hash = null;
        List<DeviceId> others = [];
        if (DeviceCredential.TrySplitUserName(credential.UserName, out var device, out var tenant))
        {
            var found = await ReadSecretAsync(tenant, device, others, cancellationToken).ConfigureAwait(false);
            (salt, hash) = (found?.Salt, found?.Hash);
        }

        return SecretHash.Matches(salt, hash, credential.Password.Span) ? new DeviceSession(tenant, device, others) : null;
    }

    // One round trip for both: a storm of reconnects must be cheap.
    private async Task<(byte[] Salt, byte[] Hash)?> ReadSecretAsync(
        TenantId tenant,
        DeviceId device,
        List<DeviceId> others,
        CancellationToken cancellationToken
    )
    {
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        batch.Add(
            $"select secret_salt, secret_hash from iiot.device where {OfTenant} and name = $1 and secret_hash is not null",
            Parameter.Text(device.Value)
        );
        AddSpokenFor(batch, device);
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        (byte[], byte[])? secret = null;
        if (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            secret = (rows.GetFieldValue<byte[]>(0), rows.GetFieldValue<byte[]>(1));
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            others.Add(DeviceId.Parse(rows.GetString(0)));
        return secret;
    }

    private async Task<DeviceSession?> ByCertificateAsync(DeviceCredential credential, CancellationToken cancellationToken)
    {
        if (await FindHolderAsync(credential.CertificateSha256, cancellationToken).ConfigureAwait(false) is not var (tenant, device))
            return null;

        // A user name beside a certificate must be of the same device.
        if (credential.UserName is not null && credential.UserName != $"{device}@{tenant}")
            return null;
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        AddSpokenFor(batch, device);
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        List<DeviceId> others = [];
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            others.Add(DeviceId.Parse(rows.GetString(0)));
        return new DeviceSession(tenant, device, others);
    }

    // The tenant is what is looked for: the certificate's hash opens its own row, and that row the tenant's name.
    private async Task<(TenantId Tenant, DeviceId Device)?> FindHolderAsync(
        ReadOnlyMemory<byte> sha256,
        CancellationToken cancellationToken
    )
    {
        await database.ReadyAsync(cancellationToken).ConfigureAwait(false);
        var connection = await database.App.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeConnection = connection.ConfigureAwait(false);
        var batch = new NpgsqlBatch(connection);
        await using var disposeBatch = batch.ConfigureAwait(false);
        Add(batch, "select set_config('iiot.certificate', $1, true)", Convert.ToHexStringLower(sha256.Span));
        Add(
            batch,
            "select set_config('iiot.tenant', coalesce((select tenant_no::text from iiot.certificate where sha256 = decode($1, 'hex')), ''), true)",
            Convert.ToHexStringLower(sha256.Span)
        );
        Add(
            batch,
            $"select t.name, c.device from iiot.certificate c join iiot.tenant t on t.tenant_no = c.tenant_no where c.{OfTenant} and c.sha256 = decode($1, 'hex')",
            Convert.ToHexStringLower(sha256.Span)
        );
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        return await rows.ReadAsync(cancellationToken).ConfigureAwait(false)
            ? (TenantId.Parse(rows.GetString(0)), DeviceId.Parse(rows.GetString(1)))
            : null;
    }

    private static void Add(NpgsqlBatch batch, string sql, string text)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.Add(Parameter.Text(text));
        batch.BatchCommands.Add(command);
    }

    private static void AddSpokenFor(TenantBatch batch, DeviceId gateway) =>
        batch.Add($"select name from iiot.device where {OfTenant} and gateway = $1", Parameter.Text(gateway.Value));

    private static Device ToDevice(NpgsqlDataReader rows) =>
        new()
        {
            Id = DeviceId.Parse(rows.GetString(0)),
            DisplayName = rows.GetString(1),
            Gateway = rows.IsDBNull(2) ? null : DeviceId.Parse(rows.GetString(2)),
            CreatedAt = rows.GetDateTime(3),
        };
}
