using Insa.Iiot.Storage.Sqlite.Control;
using Insa.Iiot.Storage.Sqlite.Telemetry;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Storage.Sqlite.Devices;

/// <summary>The devices of every tenant, and the credentials they connect with.</summary>
internal sealed partial class SqliteDeviceStore(
    SqliteDatabase database,
    IOptions<SqliteStorageOptions> options,
    TimeProvider time,
    IIssuedCertificateVerifier? verifier = null
) : IDeviceRegistry, IDeviceAuthenticator, IDevicePskStore
{
    private const string OfDevice = "tenant = (SELECT id FROM tenant WHERE name = $tenant) AND name = $device";

    public ValueTask<bool> AddAsync(TenantId tenant, Device device, CancellationToken cancellationToken = default)
    {
        Check(device);
        return ValueTask.FromResult(
            database.Transact(command =>
                Add(command, tenant, device) switch
                {
                    DeviceAddResult.GatewayNotFound => throw new GatewayNotFoundException(device.Gateway!.Value),
                    DeviceAddResult.LimitReached => throw new LimitReachedException(IDeviceRegistry.Counter),
                    var result => result == DeviceAddResult.Added,
                }
            )
        );
    }

    public ValueTask<IReadOnlyList<DeviceAddResult>> AddManyAsync(
        TenantId tenant,
        IReadOnlyList<Device> devices,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(devices.Count, IDeviceRegistry.MaxAdded, nameof(devices));
        foreach (var device in devices)
            Check(device);
        return ValueTask.FromResult(
            database.Transact<IReadOnlyList<DeviceAddResult>>(command => [.. devices.Select(device => Add(command, tenant, device))])
        );
    }

    public ValueTask<DeviceUpdateResult> UpdateAsync(
        TenantId tenant,
        Device device,
        long version,
        CancellationToken cancellationToken = default
    )
    {
        Check(device);
        return ValueTask.FromResult(
            database.Transact(command =>
            {
                command.CommandText = $"SELECT version FROM device WHERE {OfDevice}";
                Bind(command, tenant, device.Id);
                if (command.ExecuteScalar() is not long current)
                    return DeviceUpdateResult.NotFound;
                if (current != version)
                    return DeviceUpdateResult.Changed;
                if (!HasGateway(command, tenant, device))
                    return DeviceUpdateResult.GatewayNotFound;
                command.CommandText =
                    $"UPDATE device SET display_name = $display, gateway = $gateway, state = $state, version = version + 1 WHERE {OfDevice}";
                BindAll(command, tenant, device);
                command.ExecuteNonQuery();
                return DeviceUpdateResult.Done;
            })
        );
    }

    public ValueTask<Device?> FindAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(List(tenant, "name = $name", device.Value, limit: 1).FirstOrDefault());

    public ValueTask<IReadOnlyList<Device>> ListAsync(
        TenantId tenant,
        DeviceId? after,
        int limit,
        CancellationToken cancellationToken = default
    ) => ValueTask.FromResult<IReadOnlyList<Device>>(List(tenant, "name > $name", after?.Value ?? "", limit));

    public ValueTask<IReadOnlyList<Device>> ListByGatewayAsync(
        TenantId tenant,
        DeviceId gateway,
        DeviceId? after,
        int limit,
        CancellationToken cancellationToken = default
    ) =>
        ValueTask.FromResult<IReadOnlyList<Device>>(
            List(tenant, "name > $name AND gateway = $gateway", after?.Value ?? "", limit, gateway)
        );

    public ValueTask<bool> RemoveAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(
            database.Transact(command =>
            {
                // Who gets its id later must not inherit the devices it spoke for.
                command.CommandText =
                    "UPDATE device SET gateway = NULL, version = version + 1 WHERE tenant = (SELECT id FROM tenant WHERE name = $tenant) AND gateway = $device";
                Bind(command, tenant, device);
                command.ExecuteNonQuery();
                command.CommandText = $"DELETE FROM device WHERE {OfDevice}";
                return command.ExecuteNonQuery() > 0 && TryCount(command, tenant, -1);
            })
        );

    private static void Check(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(device.DisplayName.Length, 200, nameof(device));
    }

    private DeviceAddResult Add(SqliteCommand command, TenantId tenant, Device device)
    {
        command.CommandText = $"SELECT 1 FROM device WHERE {OfDevice}";
        Bind(command, tenant, device.Id);
        if (command.ExecuteScalar() is not null)
            return DeviceAddResult.Exists;
        if (!HasGateway(command, tenant, device))
            return DeviceAddResult.GatewayNotFound;
        if (!TryCount(command, tenant, 1))
            return DeviceAddResult.LimitReached;
        command.CommandText = """
            INSERT INTO device (tenant, name, display_name, gateway, state, created_at)
            SELECT id, $device, $display, $gateway, $state, $now FROM tenant WHERE name = $tenant
            """;
        BindAll(command, tenant, device);
        command.Parameters.AddWithValue("$now", Now());
        command.ExecuteNonQuery();
        return DeviceAddResult.Added;
    }

    private static bool HasGateway(SqliteCommand command, TenantId tenant, Device device)
    {
        if (device.Gateway is not { } gateway)
            return true;
        command.CommandText = $"SELECT 1 FROM device WHERE {OfDevice}";
        Bind(command, tenant, gateway);
        return gateway != device.Id && command.ExecuteScalar() is not null;
    }

    // In the transaction of what is counted. No bound keeps a device from being removed.
    private static bool TryCount(SqliteCommand command, TenantId tenant, int amount)
    {
        var change = ControlChange.Count(tenant, IDeviceRegistry.Counter, amount);
        return SqliteControlStore.Apply(command.Connection!, command.Transaction!, change) != ControlOutcome.Full;
    }

    private List<Device> List(TenantId tenant, string which, string name, int limit, DeviceId? gateway = null) =>
        database.Read(connection =>
        {
            using var command = connection.CreateCommand();
            command.CommandText = $"""
                SELECT name, display_name, gateway, state, created_at, version FROM device
                WHERE tenant = (SELECT id FROM tenant WHERE name = $tenant) AND {which} ORDER BY name LIMIT $limit
                """;
            command.Parameters.AddWithValue("$tenant", tenant.Value);
            command.Parameters.AddWithValue("$name", name);
            command.Parameters.AddWithValue("$gateway", (object?)gateway?.Value ?? DBNull.Value);
            command.Parameters.AddWithValue("$limit", limit);
            var devices = new List<Device>();
            using var rows = command.ExecuteReader();
            while (rows.Read())
                devices.Add(Read(rows));
            return devices;
        });

    private long Now() => MicrosecondTime.FromTicks(time.GetUtcNow().UtcTicks);

    private static Device Read(SqliteDataReader rows) =>
        new()
        {
            Id = DeviceId.Parse(rows.GetString(0)),
            DisplayName = rows.GetString(1),
            Gateway = rows.IsDBNull(2) ? null : DeviceId.Parse(rows.GetString(2)),
            State = (DeviceState)rows.GetInt32(3),
            CreatedAt = MicrosecondTime.ToDateTime(rows.GetInt64(4)),
            Version = rows.GetInt64(5),
        };

    private static void Bind(SqliteCommand command, TenantId tenant, DeviceId device)
    {
        command.Parameters.Clear();
        command.Parameters.AddWithValue("$tenant", tenant.Value);
        command.Parameters.AddWithValue("$device", device.Value);
    }

    private static void BindAll(SqliteCommand command, TenantId tenant, Device device)
    {
        Bind(command, tenant, device.Id);
        command.Parameters.AddWithValue("$display", device.DisplayName);
        command.Parameters.AddWithValue("$gateway", (object?)device.Gateway?.Value ?? DBNull.Value);
        command.Parameters.AddWithValue("$state", (int)device.State);
    }
}
