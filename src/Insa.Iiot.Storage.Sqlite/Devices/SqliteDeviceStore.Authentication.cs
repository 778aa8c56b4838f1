using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Devices;

internal sealed partial class SqliteDeviceStore
{
    public async ValueTask<DeviceSession?> AuthenticateAsync(DeviceCredential credential, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(credential);
        var session = database.Read(connection =>
        {
            var found = credential.Kind switch
            {
                DeviceCredentialKind.Password => ByPassword(connection, credential),
                DeviceCredentialKind.Certificate => ByCertificate(connection, credential),
                _ => ByPsk(connection, credential),
            };
            return found is var (tenant, device) ? MakeSession(connection, tenant, device) : null;
        });
        if (session is not null || verifier is null || credential.Certificate.IsEmpty)
            return session;
        return await verifier.VerifyAsync(credential, cancellationToken).ConfigureAwait(false) is var (tenant, device)
            ? database.Read(connection => IsEnabled(connection, tenant, device) ? MakeSession(connection, tenant, device) : null)
            : null;
    }

    private static (TenantId Tenant, DeviceId Device)? ByPassword(SqliteConnection connection, DeviceCredential credential)
    {
        byte[]? salt = null;
        byte[]? hash = null;
        if (DeviceCredential.TrySplitUserName(credential.UserName, out var device, out var tenant))
        {
            using var command = connection.CreateCommand();
            command.CommandText = $"SELECT secret_salt, secret_hash FROM device WHERE {OfDevice} AND state = 0 AND secret_hash IS NOT NULL";
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
            SELECT t.name, d.name, d.state FROM certificate c JOIN device d ON d.id = c.device JOIN tenant t ON t.id = c.tenant
            WHERE c.sha256 = $sha256 AND substr(t.name, 1, 1) <> '!'
            """;
        command.Parameters.AddWithValue("$sha256", credential.CertificateSha256.ToArray());
        using var rows = command.ExecuteReader();
        var holders = new List<(TenantId Tenant, DeviceId Device, DeviceState State)>();
        while (rows.Read())
            holders.Add((TenantId.Parse(rows.GetString(0)), DeviceId.Parse(rows.GetString(1)), (DeviceState)rows.GetInt32(2)));

        // Anybody can register a hash that is known to them: without a user name it is let in only where nobody else has, whatever state theirs is in.
        var meant = credential.UserName is null
            ? (holders.Count == 1 ? holders : [])
            : holders.FindAll(holder => credential.UserName == $"{holder.Device}@{holder.Tenant}");
        return meant is [{ State: DeviceState.Enabled } found] ? (found.Tenant, found.Device) : null;
    }

    private static (TenantId Tenant, DeviceId Device)? ByPsk(SqliteConnection connection, DeviceCredential credential) =>
        DeviceCredential.TrySplitUserName(credential.UserName, out var device, out var tenant)
        && ReadPsk(connection, tenant, device) is not null
            ? (tenant, device)
            : null;

    private static bool IsEnabled(SqliteConnection connection, TenantId tenant, DeviceId device)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT 1 FROM device WHERE {OfDevice} AND state = 0";
        Bind(command, tenant, device);
        return command.ExecuteScalar() is not null;
    }

    private static byte[]? ReadPsk(SqliteConnection connection, TenantId tenant, DeviceId device)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT psk FROM device WHERE {OfDevice} AND state = 0";
        Bind(command, tenant, device);
        return command.ExecuteScalar() as byte[];
    }

    private static DeviceSession MakeSession(SqliteConnection connection, TenantId tenant, DeviceId device)
    {
        using var command = connection.CreateCommand();
        command.CommandText =
            "SELECT name FROM device WHERE tenant = (SELECT id FROM tenant WHERE name = $tenant) AND gateway = $device AND state = 0";
        Bind(command, tenant, device);
        var others = new List<DeviceId>();
        using var rows = command.ExecuteReader();
        while (rows.Read())
            others.Add(DeviceId.Parse(rows.GetString(0)));
        return new DeviceSession(tenant, device, others);
    }
}
