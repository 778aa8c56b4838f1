using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>Finds or makes the integers that stand for tenants, devices and layouts, within the transaction at hand.</summary>
/// <remarks>Bounded caches; what a failed transaction made must be forgotten with <see cref="Clear"/>.</remarks>
internal sealed class SurrogateIds
{
    private const int MaxCached = 100_000;

    private readonly Dictionary<TenantId, long> _tenants = [];
    private readonly Dictionary<(long Tenant, DeviceId Device), long> _devices = [];
    private readonly Dictionary<(long Tenant, TelemetryLayout Layout), long> _layouts = [];
    private readonly HashSet<(long Device, long Hour)> _hours = [];

    public void Clear()
    {
        _tenants.Clear();
        _devices.Clear();
        _layouts.Clear();
        _hours.Clear();
    }

    public long Tenant(SqliteConnection connection, TenantId tenant)
    {
        if (!_tenants.TryGetValue(tenant, out var id))
        {
            id = FindOrAdd(connection, "tenant (name) VALUES ($name)", "tenant WHERE name = $name", 0, tenant.Value);
            Remember(_tenants, tenant, id);
        }

        return id;
    }

    public long Device(SqliteConnection connection, long tenant, DeviceId device)
    {
        if (!_devices.TryGetValue((tenant, device), out var id))
        {
            id = FindOrAdd(
                connection,
                "telemetry_device (tenant, name) VALUES ($tenant, $name)",
                "telemetry_device WHERE tenant = $tenant AND name = $name",
                tenant,
                device.Value
            );
            Remember(_devices, (tenant, device), id);
        }

        return id;
    }

    public long Layout(SqliteConnection connection, long tenant, TelemetryLayout layout)
    {
        if (!_layouts.TryGetValue((tenant, layout), out var id))
        {
            id = FindOrAdd(
                connection,
                "telemetry_layout (tenant, metrics) VALUES ($tenant, $name)",
                "telemetry_layout WHERE tenant = $tenant AND metrics = $name",
                tenant,
                LayoutText.Join(layout)
            );
            Remember(_layouts, (tenant, layout), id);
        }

        return id;
    }

    /// <returns>Whether the hour was not seen before, as far as is remembered.</returns>
    public bool AddHour(long device, long hour)
    {
        if (_hours.Count >= MaxCached)
            _hours.Clear();
        return _hours.Add((device, hour));
    }

    private static void Remember<TKey>(Dictionary<TKey, long> cache, TKey key, long id)
        where TKey : notnull
    {
        if (cache.Count >= MaxCached)
            cache.Clear();
        cache.Add(key, id);
    }

    private static long FindOrAdd(SqliteConnection connection, string insert, string find, long tenant, string name)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"INSERT OR IGNORE INTO {insert}; SELECT id FROM {find}";
        command.Parameters.AddWithValue("$tenant", tenant);
        command.Parameters.AddWithValue("$name", name);
        return (long)command.ExecuteScalar()!;
    }
}
