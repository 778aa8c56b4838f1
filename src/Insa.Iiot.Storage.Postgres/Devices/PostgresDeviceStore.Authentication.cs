using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Devices;

internal sealed partial class PostgresDeviceStore
{
    public async ValueTask<DeviceSession?> AuthenticateAsync(DeviceCredential credential, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(credential);
        try
        {
            return credential.Kind switch
            {
                DeviceCredentialKind.Password => await ByPasswordAsync(credential, cancellationToken).ConfigureAwait(false),
                DeviceCredentialKind.Certificate => await ByCertificateAsync(credential, cancellationToken).ConfigureAwait(false)
                    ?? await ByIssuerAsync(credential, cancellationToken).ConfigureAwait(false),
                _ => await ByPskAsync(credential, cancellationToken).ConfigureAwait(false),
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
            var found = await ReadSecretAsync(tenant, device, "secret_salt, secret_hash", others, cancellationToken).ConfigureAwait(false);
            (salt, hash) = (found?[0], found?[1]);
        }

        return SecretHash.Matches(salt, hash, credential.Password.Span) ? new DeviceSession(tenant, device, others) : null;
    }

    private async Task<DeviceSession?> ByPskAsync(DeviceCredential credential, CancellationToken cancellationToken)
    {
        List<DeviceId> others = [];
        return
            DeviceCredential.TrySplitUserName(credential.UserName, out var device, out var tenant)
            && await ReadSecretAsync(tenant, device, "psk", others, cancellationToken).ConfigureAwait(false) is not null
            ? new DeviceSession(tenant, device, others)
            : null;
    }

    private async Task<DeviceSession?> ByIssuerAsync(DeviceCredential credential, CancellationToken cancellationToken)
    {
        if (
            verifier is null
            || credential.Certificate.IsEmpty
            || await verifier.VerifyAsync(credential, cancellationToken).ConfigureAwait(false) is not var (tenant, device)
        )
            return null;
        List<DeviceId> others = [];
        return await ReadSecretAsync(tenant, device, "''::bytea", others, cancellationToken).ConfigureAwait(false) is null
            ? null
            : new DeviceSession(tenant, device, others);
    }

    // One round trip for both: a storm of reconnects must be cheap.
    private async Task<byte[][]?> ReadSecretAsync(
        TenantId tenant,
        DeviceId device,
        string columns,
        List<DeviceId> others,
        CancellationToken cancellationToken
    )
    {
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        batch.Add(
            $"select {columns} from iiot.device where {OfTenant} and name = $1 and is_enabled and ({columns}) is not null",
            Parameter.Text(device.Value)
        );
        AddSpokenFor(batch, device);
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        byte[][]? secret = null;
        if (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            secret = [.. Enumerable.Range(0, rows.FieldCount).Select(rows.GetFieldValue<byte[]>)];
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            others.Add(DeviceId.Parse(rows.GetString(0)));
        return secret;
    }

    private async Task<DeviceSession?> ByCertificateAsync(DeviceCredential credential, CancellationToken cancellationToken)
    {
        // A user name beside a certificate must be of the same device; without one the certificate has to be of one tenant alone.
        TenantId tenant;
        DeviceId device;
        if (credential.UserName is not null)
        {
            if (!DeviceCredential.TrySplitUserName(credential.UserName, out device, out tenant))
                return null;
        }
        else if (await FindHolderAsync(credential.CertificateSha256, cancellationToken).ConfigureAwait(false) is { } holder)
        {
            (tenant, device) = holder;
        }
        else
        {
            return null;
        }

        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        batch.Add(
            $"select 1 from iiot.certificate c join iiot.device d on d.tenant_no = c.tenant_no and d.name = c.device and d.is_enabled where c.{OfTenant} and c.sha256 = $1 and c.device = $2",
            Parameter.Bytes(credential.CertificateSha256.ToArray()),
            Parameter.Text(device.Value)
        );
        AddSpokenFor(batch, device);
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        if (!await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            return null;
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        List<DeviceId> others = [];
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            others.Add(DeviceId.Parse(rows.GetString(0)));
        return new DeviceSession(tenant, device, others);
    }

    // The tenant is what is looked for: the certificate's hash opens its own rows, and a single one the tenant's name. Anybody can register a hash that
    // is known to them: of several rows none counts, whatever state their devices are in.
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
            "select set_config('iiot.tenant', coalesce((select min(tenant_no)::text from iiot.certificate where sha256 = decode($1, 'hex') having count(*) = 1), ''), true)",
            Convert.ToHexStringLower(sha256.Span)
        );
        Add(
            batch,
            $"select t.name, c.device from iiot.certificate c join iiot.tenant t on t.tenant_no = c.tenant_no and t.name is not null join iiot.device d on d.tenant_no = c.tenant_no and d.name = c.device and d.is_enabled where c.{OfTenant} and c.sha256 = decode($1, 'hex')",
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
        batch.Add($"select name from iiot.device where {OfTenant} and gateway = $1 and is_enabled", Parameter.Text(gateway.Value));
}
