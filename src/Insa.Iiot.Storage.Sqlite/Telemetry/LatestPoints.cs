using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>Looks up the newest points of some of a tenant's devices by one statement.</summary>
internal sealed class LatestPoints
{
    // The order of the loops: a look-up per device, however many devices the tenant has.
    private const string Query = """
        SELECT f.ts, f.layout, f.sequence, f.format, f.vals, f.quality, l.metrics, j.key
        FROM tenant t
        CROSS JOIN json_each($devices) j
        CROSS JOIN telemetry_device d ON d.tenant = t.id AND d.name = j.value
        CROSS JOIN telemetry_shape s ON s.device = d.id
        CROSS JOIN telemetry_frame f ON f.ts = s.last_ts AND f.device = s.device AND f.layout = s.layout
        CROSS JOIN telemetry_layout l ON l.id = f.layout AND l.tenant = t.id
        WHERE t.name = $tenant
        """;

    private readonly Dictionary<long, string[]> _layouts = [];
    private readonly Dictionary<int, SortedDictionary<string, (long Sequence, TelemetryPoint Point)>> _merged = [];
    private readonly (long Sequence, TelemetryPoint[]? Points)[] _found;

    private LatestPoints(int devices) => _found = new (long, TelemetryPoint[]?)[devices];

    /// <summary>Reads the newest point of each metric of each device, by metric (ordinal).</summary>
    public static TelemetryPoint[][] Read(
        SqliteConnection connection,
        TenantId tenant,
        IReadOnlyList<DeviceId> devices,
        CancellationToken cancellationToken
    )
    {
        using var command = connection.CreateCommand();
        command.CommandText = Query;
        command.Parameters.AddWithValue("$tenant", tenant.Value);
        command.Parameters.AddWithValue("$devices", ToJson(devices));
        var latest = new LatestPoints(devices.Count);
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            latest.Add(rows);
        }

        return latest.Sorted();
    }

    private void Add(SqliteDataReader rows)
    {
        var (layout, sequence, device) = (rows.GetInt64(1), rows.GetInt64(2), rows.GetInt32(7));
        if (!_layouts.TryGetValue(layout, out var metrics))
            _layouts.Add(layout, metrics = LayoutText.Split(rows.GetString(6)));
        var points = SqliteTelemetryReader.Decode(rows, metrics);
        ref var found = ref _found[device];
        if (found.Points is null)
        {
            found = (sequence, points);
            return;
        }

        // A metric may be in several layouts.
        if (!_merged.TryGetValue(device, out var merged))
        {
            _merged.Add(device, merged = new(StringComparer.Ordinal));
            foreach (var point in found.Points)
                merged.Add(point.Metric, (found.Sequence, point));
        }

        foreach (var point in points)
        {
            if (
                !merged.TryGetValue(point.Metric, out var other)
                || (point.Timestamp, sequence).CompareTo((other.Point.Timestamp, other.Sequence)) > 0
            )
                merged[point.Metric] = (sequence, point);
        }
    }

    private TelemetryPoint[][] Sorted()
    {
        var sorted = new TelemetryPoint[_found.Length][];
        for (var i = 0; i < sorted.Length; i++)
        {
            if (_merged.TryGetValue(i, out var merged))
            {
                sorted[i] = [.. merged.Values.Select(entry => entry.Point)];
                continue;
            }

            sorted[i] = _found[i].Points ?? [];
            Array.Sort(sorted[i], static (one, other) => string.CompareOrdinal(one.Metric, other.Metric));
        }

        return sorted;
    }

    private static string ToJson(IReadOnlyList<DeviceId> devices)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartArray();
            foreach (var device in devices)
                writer.WriteStringValue(device.Value);
            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(json.GetBuffer(), 0, (int)json.Length);
    }
}
