using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>Looks up the newest points of a tenant's devices, one device after the other, by one prepared statement.</summary>
internal sealed class LatestPoints : IDisposable
{
    private readonly SqliteCommand _command;
    private readonly SqliteParameter _device;
    private readonly Dictionary<long, string[]> _layouts = [];

    public LatestPoints(SqliteConnection connection, TenantId tenant)
    {
        _command = connection.CreateCommand();
        _command.CommandText = """
            SELECT f.ts, f.layout, f.sequence, f.format, f.vals, f.quality, l.metrics
            FROM tenant t
            JOIN telemetry_device d ON d.tenant = t.id AND d.name = $device
            JOIN telemetry_shape s ON s.device = d.id
            JOIN telemetry_frame f ON f.ts = s.last_ts AND f.device = s.device AND f.layout = s.layout
            JOIN telemetry_layout l ON l.id = f.layout AND l.tenant = t.id
            WHERE t.name = $tenant
            """;
        _command.Parameters.AddWithValue("$tenant", tenant.Value);
        _device = _command.Parameters.Add("$device", SqliteType.Text);
    }

    /// <summary>The newest point of each of a device's metrics, by metric (ordinal).</summary>
    public TelemetryPoint[] Of(DeviceId device)
    {
        _device.Value = device.Value;
        using var rows = _command.ExecuteReader();
        if (!rows.Read())
            return [];
        var sequence = rows.GetInt64(2);
        var points = SqliteTelemetryReader.Decode(rows, MetricsOf(rows));
        if (rows.Read())
            return NewestOf(points, sequence, rows);
        Array.Sort(points, static (one, other) => string.CompareOrdinal(one.Metric, other.Metric));
        return points;
    }

    public void Dispose() => _command.Dispose();

    // A metric may be in several layouts.
    private TelemetryPoint[] NewestOf(TelemetryPoint[] first, long sequence, SqliteDataReader rows)
    {
        var latest = new SortedDictionary<string, (long Sequence, TelemetryPoint Point)>(StringComparer.Ordinal);
        foreach (var point in first)
            latest.Add(point.Metric, (sequence, point));
        do
        {
            sequence = rows.GetInt64(2);
            foreach (var point in SqliteTelemetryReader.Decode(rows, MetricsOf(rows)))
            {
                if (
                    !latest.TryGetValue(point.Metric, out var other)
                    || (point.Timestamp, sequence).CompareTo((other.Point.Timestamp, other.Sequence)) > 0
                )
                    latest[point.Metric] = (sequence, point);
            }
        } while (rows.Read());

        return [.. latest.Values.Select(entry => entry.Point)];
    }

    private string[] MetricsOf(SqliteDataReader rows)
    {
        var layout = rows.GetInt64(1);
        if (!_layouts.TryGetValue(layout, out var metrics))
            _layouts.Add(layout, metrics = LayoutText.Split(rows.GetString(6)));
        return metrics;
    }
}
