using Insa.Iiot.Storage.Postgres.Control;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Devices;

/// <summary>Registers many devices of a tenant in one transaction. While it holds the tenant's counter, nobody else adds or removes any.</summary>
internal sealed class DeviceImport
{
    private readonly NpgsqlConnection _connection;
    private readonly HashSet<DeviceId> _known = [];
    private readonly List<Device> _added = [];
    private long _room;

    private DeviceImport(NpgsqlConnection connection) => _connection = connection;

    public static async Task<DeviceAddResult[]> AddAsync(
        PostgresDatabase database,
        TenantId tenant,
        IReadOnlyList<Device> devices,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        _ = tenant.Value; // throws for default before anything is opened
        await database.ReadyAsync(cancellationToken).ConfigureAwait(false);
        var connection = await database.App.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeConnection = connection.ConfigureAwait(false);
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeTransaction = transaction.ConfigureAwait(false);
        var import = new DeviceImport(connection);
        await import.LookAsync(tenant, devices, cancellationToken).ConfigureAwait(false);
        var results = devices.Select(import.Decide).ToArray();
        if (import._added.Count > 0)
            await import.InsertAsync(now, cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return results;
    }

    private async Task LookAsync(TenantId tenant, IReadOnlyList<Device> devices, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(_connection);
        await using var disposeBatch = batch.ConfigureAwait(false);
        foreach (var sql in TenantBatch.MakeAndName)
            Add(batch, sql, Parameter.Text(tenant.Value));
        Add(batch, ControlBatch.MakeCounter, Parameter.Text(IDeviceRegistry.Counter));
        Add(
            batch,
            $"select most - used from iiot.control_counter where tenant_no = {TenantBatch.Number} and name = $1 for update",
            Parameter.Text(IDeviceRegistry.Counter)
        );
        Add(
            batch,
            $"select name from iiot.device where tenant_no = {TenantBatch.Number} and name = any($1)",
            Parameter.Texts([
                .. devices
                    .SelectMany(device => device.Gateway is { } gateway ? [device.Id, gateway] : new[] { device.Id })
                    .Distinct()
                    .Select(id => id.Value),
            ])
        );
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);

        // Of the others only the settings have rows.
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        await rows.ReadAsync(cancellationToken).ConfigureAwait(false);
        _room = rows.IsDBNull(0) ? long.MaxValue : rows.GetInt64(0);
        await rows.NextResultAsync(cancellationToken).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            _known.Add(DeviceId.Parse(rows.GetString(0)));
    }

    private DeviceAddResult Decide(Device device)
    {
        if (_known.Contains(device.Id))
            return DeviceAddResult.Exists;
        if (device.Gateway is { } gateway && !_known.Contains(gateway))
            return DeviceAddResult.GatewayNotFound;
        if (_added.Count >= _room)
            return DeviceAddResult.LimitReached;
        _known.Add(device.Id);
        _added.Add(device);
        return DeviceAddResult.Added;
    }

    private async Task InsertAsync(DateTime now, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(_connection);
        await using var disposeBatch = batch.ConfigureAwait(false);
        Add(
            batch,
            $"""
            insert into iiot.device (tenant_no, name, display_name, gateway, is_enabled, created_at)
            select {TenantBatch.Number}, d.*, $5 from unnest($1, $2, $3, $4) d
            """,
            Parameter.Texts([.. _added.Select(device => device.Id.Value)]),
            Parameter.Texts([.. _added.Select(device => device.DisplayName)]),
            Parameter.List<string?[]>([.. _added.Select(device => device.Gateway?.Value)], NpgsqlDbType.Text),
            Parameter.List<bool[]>([.. _added.Select(device => device.State == DeviceState.Enabled)], NpgsqlDbType.Boolean),
            Parameter.Time(now)
        );
        Add(
            batch,
            $"update iiot.control_counter set used = used + $2 where tenant_no = {TenantBatch.Number} and name = $1",
            Parameter.Text(IDeviceRegistry.Counter),
            Parameter.Number(_added.Count)
        );
        await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private static void Add(NpgsqlBatch batch, string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
        batch.BatchCommands.Add(command);
    }
}
