using Insa.Iiot.Storage.Postgres.Control;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Devices;

/// <summary>Devices and their credentials.</summary>
internal sealed partial class PostgresDeviceStore(
    PostgresDatabase database,
    IOptions<PostgresStorageOptions> options,
    TimeProvider time,
    IIssuedCertificateVerifier? verifier = null
) : IDeviceRegistry, IDeviceAuthenticator, IDevicePskStore
{
    private const string OfTenant = "tenant_no = " + TenantBatch.Number;

    public async ValueTask<bool> AddAsync(TenantId tenant, Device device, CancellationToken cancellationToken = default)
    {
        Check(device);
        try
        {
            var insert = new NpgsqlBatchCommand(
                $"""
                insert into iiot.device (tenant_no, name, display_name, gateway, is_enabled, created_at)
                select {TenantBatch.Number}, $1, $2, $3, $4, $5 where not exists (select from iiot.device where {OfTenant} and name = $1)
                """
            )
            {
                Parameters =
                {
                    Parameter.Text(device.Id.Value),
                    Parameter.Text(device.DisplayName),
                    Parameter.Text(device.Gateway?.Value),
                    Parameter.Flag(device.State == DeviceState.Enabled),
                    Parameter.Time(time.GetUtcNow().UtcDateTime),
                },
            };
            return await CountingAsync(tenant, 1, cancellationToken, insert).ConfigureAwait(false);
        }
        catch (PostgresException e) when (IsAboutGateway(e))
        {
            throw new GatewayNotFoundException(device.Gateway!.Value);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    public async ValueTask<IReadOnlyList<DeviceAddResult>> AddManyAsync(
        TenantId tenant,
        IReadOnlyList<Device> devices,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(devices.Count, IDeviceRegistry.MaxAdded, nameof(devices));
        foreach (var device in devices)
            Check(device);
        if (devices.Count == 0)
            return [];
        try
        {
            return await DeviceImport
                .AddAsync(database, tenant, devices, time.GetUtcNow().UtcDateTime, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    public async ValueTask<DeviceUpdateResult> UpdateAsync(
        TenantId tenant,
        Device device,
        long version,
        CancellationToken cancellationToken = default
    )
    {
        Check(device);
        try
        {
            return await TryUpdateAsync(tenant, device, version, cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException e) when (IsAboutGateway(e))
        {
            return DeviceUpdateResult.GatewayNotFound;
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    public async ValueTask<Device?> FindAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default)
    {
        var found = await ReadAsync(tenant, "name = $1", cancellationToken, Parameter.Text(device.Value)).ConfigureAwait(false);
        return found.Count > 0 ? found[0] : null;
    }

    public async ValueTask<IReadOnlyList<Device>> ListAsync(
        TenantId tenant,
        DeviceId? after,
        int limit,
        CancellationToken cancellationToken = default
    ) =>
        await ReadAsync(
                tenant,
                "name > $1 order by name limit $2",
                cancellationToken,
                Parameter.Text(after?.Value ?? ""),
                Parameter.Number(limit)
            )
            .ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<Device>> ListByGatewayAsync(
        TenantId tenant,
        DeviceId gateway,
        DeviceId? after,
        int limit,
        CancellationToken cancellationToken = default
    ) =>
        await ReadAsync(
                tenant,
                "name > $1 and gateway = $3 order by name limit $2",
                cancellationToken,
                Parameter.Text(after?.Value ?? ""),
                Parameter.Number(limit),
                Parameter.Text(gateway.Value)
            )
            .ConfigureAwait(false);

    public async ValueTask<bool> RemoveAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default)
    {
        // Who gets its id later must not inherit the devices it spoke for.
        var letGo = new NpgsqlBatchCommand(
            $"update iiot.device set gateway = null, version = version + 1 where {OfTenant} and gateway = $1"
        )
        {
            Parameters = { Parameter.Text(device.Value) },
        };
        var delete = new NpgsqlBatchCommand($"delete from iiot.device where {OfTenant} and name = $1")
        {
            Parameters = { Parameter.Text(device.Value) },
        };
        try
        {
            return await CountingAsync(tenant, -1, cancellationToken, letGo, delete).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    private static void Check(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(device.DisplayName.Length, 200, nameof(device));
    }

    private static bool IsAboutGateway(PostgresException e) => e.ConstraintName is "device_gateway_exists" or "device_gateway_is_another";

    /// <summary>Adds or removes one device, and counts it in the same transaction.</summary>
    /// <returns>Whether the last statement changed a row; otherwise nothing is done.</returns>
    private async Task<bool> CountingAsync(
        TenantId tenant,
        int amount,
        CancellationToken cancellationToken,
        params NpgsqlBatchCommand[] statements
    )
    {
        var result = await ControlBatch
            .CommitAsync(database, batch => batch.AddCounted(tenant, IDeviceRegistry.Counter, amount, statements), cancellationToken)
            .ConfigureAwait(false);
        return result.Outcome switch
        {
            ControlOutcome.Done => true,
            ControlOutcome.Full => throw new LimitReachedException(IDeviceRegistry.Counter),
            _ => false,
        };
    }

    private async Task<DeviceUpdateResult> TryUpdateAsync(TenantId tenant, Device device, long version, CancellationToken cancellationToken)
    {
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        batch.Add(
            $"""
            update iiot.device set display_name = $3, gateway = $4, is_enabled = $5, version = version + 1
            where {OfTenant} and name = $1 and version = $2 returning 1
            """,
            Parameter.Text(device.Id.Value),
            Parameter.Number(version),
            Parameter.Text(device.DisplayName),
            Parameter.Text(device.Gateway?.Value),
            Parameter.Flag(device.State == DeviceState.Enabled)
        );
        batch.Add($"select 1 from iiot.device where {OfTenant} and name = $1", Parameter.Text(device.Id.Value));
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var isDone = await rows.ReadAsync(cancellationToken).ConfigureAwait(false);
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        var isKnown = await rows.ReadAsync(cancellationToken).ConfigureAwait(false);
        while (await rows.NextResultAsync(cancellationToken).ConfigureAwait(false))
        {
            // To its end, where the transaction is committed, or refused.
        }

        return isDone ? DeviceUpdateResult.Done
            : isKnown ? DeviceUpdateResult.Changed
            : DeviceUpdateResult.NotFound;
    }

    private Task<IReadOnlyList<Device>> ReadAsync(
        TenantId tenant,
        string which,
        CancellationToken cancellationToken,
        params NpgsqlParameter[] parameters
    ) =>
        TenantBatch.ReadAsync(
            database,
            tenant,
            batch =>
                batch.Add(
                    $"select name, display_name, gateway, is_enabled, created_at, version from iiot.device where {OfTenant} and {which}",
                    parameters
                ),
            ToDevice,
            cancellationToken
        );

    private static Device ToDevice(NpgsqlDataReader rows) =>
        new()
        {
            Id = DeviceId.Parse(rows.GetString(0)),
            DisplayName = rows.GetString(1),
            Gateway = rows.IsDBNull(2) ? null : DeviceId.Parse(rows.GetString(2)),
            State = rows.GetBoolean(3) ? DeviceState.Enabled : DeviceState.Disabled,
            CreatedAt = rows.GetDateTime(4),
            Version = rows.GetInt64(5),
        };
}
