using System.Security.Cryptography;
using System.Text;
using Insa.Iiot.Storage.Sqlite.Control;
using Insa.Iiot.Storage.Sqlite.Telemetry;
using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Devices;

/// <summary>The devices of every tenant, and the credentials they connect with.</summary>
internal sealed class SqliteDeviceStore(SqliteDatabase database, TimeProvider time) : IDeviceRegistry, IDeviceAuthenticator
{
    private const string OfDevice = "tenant = (SELECT id FROM tenant WHERE name = $tenant) AND name = $device";

    public ValueTask<bool> AddAsync(TenantId tenant, Device device, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(device.DisplayName.Length, 200, nameof(device));
        return ValueTask.FromResult(
            database.Transact(command =>
            {
                command.CommandText = """
                    INSERT OR IGNORE INTO tenant (name) VALUES ($tenant);
                    INSERT OR IGNORE INTO device (tenant, name, display_name, gateway, created_at)
                    SELECT id, $device, $display, $gateway, $created FROM tenant WHERE name = $tenant
                    RETURNING 1
                    """;
                Bind(command, tenant, device.Id);
                command.Parameters.AddWithValue("$display", device.DisplayName);
                command.Parameters.AddWithValue("$gateway", (object?)device.Gateway?.Value ?? DBNull.Value);
                command.Parameters.AddWithValue("$created", MicrosecondTime.FromTicks(time.GetUtcNow().UtcTicks));
                return command.ExecuteScalar() is not null && Count(command, tenant, 1);
            })
        );
    }

    public ValueTask<Device?> FindAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default)
    {
        return ValueTask.FromResult(
            database.Read(connection =>
            {
                using var command = connection.CreateCommand();
                command.CommandText = $"SELECT name, display_name, gateway, created_at FROM device WHERE {OfDevice}";
                Bind(command, tenant, device);
                using var rows = command.ExecuteReader();
                return rows.Read() ? Read(rows) : null;
            })
        );
    }

    public ValueTask<IReadOnlyList<Device>> ListAsync(
        TenantId tenant,
        DeviceId? after,
        int limit,
        CancellationToken cancellationToken = default
    )
    {
        return ValueTask.FromResult(
            database.Read<IReadOnlyList<Device>>(connection =>
            {
                using var command = connection.CreateCommand();
                command.CommandText = """
                    SELECT name, display_name, gateway, created_at FROM device
                    WHERE tenant = (SELECT id FROM tenant WHERE name = $tenant) AND name > $after ORDER BY name LIMIT $limit
                    """;
                command.Parameters.AddWithValue("$tenant", tenant.Value);
                command.Parameters.AddWithValue("$after", after?.Value ?? "");
                command.Parameters.AddWithValue("$limit", limit);
                var devices = new List<Device>();
                using var rows = command.ExecuteReader();
                while (rows.Read())
                    devices.Add(Read(rows));
                return devices;
            })
        );
    }

    public ValueTask<bool> RemoveAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(
            database.Transact(command =>
            {
                // Who gets its id later must not inherit the devices it spoke for.
                command.CommandText =
                    "UPDATE device SET gateway = NULL WHERE tenant = (SELECT id FROM tenant WHERE name = $tenant) AND gateway = $device";
                Bind(command, tenant, device);
                command.ExecuteNonQuery();
                command.CommandText = $"DELETE FROM device WHERE {OfDevice}";
                return command.ExecuteNonQuery() > 0 && Count(command, tenant, -1);
            })
        );

    public ValueTask<string?> RotateSecretAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default)
    {
        var secret = SecretHash.NewSecret();
        var salt = RandomNumberGenerator.GetBytes(SecretHash.SaltBytes);
        var known = database.Transact(command =>
        {
            command.CommandText = $"UPDATE device SET secret_salt = $salt, secret_hash = $hash WHERE {OfDevice}";
            Bind(command, tenant, device);
            command.Parameters.AddWithValue("$salt", salt);
            command.Parameters.AddWithValue("$hash", SecretHash.Hash(salt, Encoding.ASCII.GetBytes(secret)));
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
                    INSERT OR IGNORE INTO certificate (sha256, device) SELECT $sha256, id FROM device WHERE {OfDevice};
                    SELECT 1 FROM certificate WHERE sha256 = $sha256 AND device = (SELECT id FROM device WHERE {OfDevice})
                    """;
                Bind(command, tenant, device);
                command.Parameters.AddWithValue("$sha256", certificateSha256.ToArray());
                return command.ExecuteScalar() is not null;
            })
        );
    }

    public ValueTask<DeviceSession?> AuthenticateAsync(DeviceCredential credential, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(credential);
        return ValueTask.FromResult(
            database.Read(connection =>
            {
                var found = credential.CertificateSha256.IsEmpty
                    ? ByPassword(connection, credential)
                    : ByCertificate(connection, credential);
                return found is var (tenant, device) ? MakeSession(connection, tenant, device) : null;
            })
        );
    }

    // In the transaction of what is counted. No bound keeps a device from being removed.
    private static bool Count(SqliteCommand command, TenantId tenant, int amount)
    {
        var change = ControlChange.Count(tenant, IDeviceRegistry.Counter, amount);
        var outcome = SqliteControlStore.Apply(command.Connection!, command.Transaction!, change);
        return outcome == ControlOutcome.Full ? throw new LimitReachedException(IDeviceRegistry.Counter) : true;
    }

    private static (TenantId Tenant, DeviceId Device)? ByPassword(SqliteConnection connection, DeviceCredential credential)
    {
        byte[]? salt = null;
        byte[]? hash = null;
        if (DeviceCredential.TrySplitUserName(credential.UserName, out var device, out var tenant))
        {
            using var command = connection.CreateCommand();
            command.CommandText = $"SELECT secret_salt, secret_hash FROM device WHERE {OfDevice} AND secret_hash IS NOT NULL";
            Bind(command, tenant, device);
            using var rows = command.ExecuteReader();
            if (rows.Read())
                (salt, hash) = ((byte[])rows.GetValue(0), (byte[])rows.GetValue(1));
        }

        return SecretHash.Matches(salt, hash, credential.Password.Span) ? (tenant, device) : null;
    }

    private static (TenantId Tenant, DeviceId Device)? ByCertificate(SqliteConnection connection, DeviceCredential credential)
    {
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT t.name, d.name FROM certificate c JOIN device d ON d.id = c.device JOIN tenant t ON t.id = d.tenant
            WHERE c.sha256 = $sha256
            """;
        command.Parameters.AddWithValue("$sha256", credential.CertificateSha256.ToArray());
        using var rows = command.ExecuteReader();
        if (!rows.Read())
            return null;
        var found = (TenantId.Parse(rows.GetString(0)), DeviceId.Parse(rows.GetString(1)));

        // A user name beside a certificate must be of the same device.
        return credential.UserName is null || credential.UserName == $"{found.Item2}@{found.Item1}" ? found : null;
    }

    private static DeviceSession MakeSession(SqliteConnection connection, TenantId tenant, DeviceId device)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT name FROM device WHERE tenant = (SELECT id FROM tenant WHERE name = $tenant) AND gateway = $device";
        Bind(command, tenant, device);
        var others = new List<DeviceId>();
        using var rows = command.ExecuteReader();
        while (rows.Read())
            others.Add(DeviceId.Parse(rows.GetString(0)));
        return new DeviceSession(tenant, device, others);
    }

    private static Device Read(SqliteDataReader rows) =>
        new()
        {
            Id = DeviceId.Parse(rows.GetString(0)),
            DisplayName = rows.GetString(1),
            Gateway = rows.IsDBNull(2) ? null : DeviceId.Parse(rows.GetString(2)),
            CreatedAt = MicrosecondTime.ToDateTime(rows.GetInt64(3)),
        };

    private static void Bind(SqliteCommand command, TenantId tenant, DeviceId device)
    {
        command.Parameters.Clear();
        command.Parameters.AddWithValue("$tenant", tenant.Value);
        command.Parameters.AddWithValue("$device", device.Value);
    }
}
