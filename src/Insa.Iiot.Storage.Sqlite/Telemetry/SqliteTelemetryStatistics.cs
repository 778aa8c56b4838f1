using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>
/// Counts what a tenant has. Points are counted frame by frame, a day at a time: the cost is that of passing over all tenants' frames of those days.
/// So one day is counted at a time in the whole process, on a thread of its own, and tenants take turns; who would have to wait for others gets what
/// was counted for the tenant lately, if it was.
/// </summary>
internal sealed class SqliteTelemetryStatistics(SqliteDatabase database, TimeProvider time) : ITelemetryStatistics, IDisposable
{
    private const int MostTenants = 100;

    private static readonly TimeSpan Lately = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _scan = new(1);
    private readonly ConcurrentDictionary<TenantId, DayCounts> _known = new();

    private const string OfTenant = "tenant = (SELECT id FROM tenant WHERE name = $tenant)";

    public ValueTask<DeviceCounts> CountDevicesAsync(TenantId tenant, DateTime seenSince, CancellationToken cancellationToken = default)
    {
        return ValueTask.FromResult(
            database.Read(connection =>
            {
                using var command = connection.CreateCommand();
                command.CommandText = $"""
                    SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state <> 0), count(*) FILTER (WHERE EXISTS (
                      SELECT 1 FROM telemetry_device t JOIN telemetry_shape s ON s.device = t.id
                      WHERE t.tenant = device.tenant AND t.name = device.name AND s.last_ts >= $since))
                    FROM device WHERE {OfTenant}
                    """;
                command.Parameters.AddWithValue("$tenant", tenant.Value);
                command.Parameters.AddWithValue("$since", MicrosecondTime.Ceiling(seenSince));
                using var rows = command.ExecuteReader();
                rows.Read();
                return new DeviceCounts(rows.GetInt64(0), rows.GetInt64(1), rows.GetInt64(2));
            })
        );
    }

    public async ValueTask<IReadOnlyList<DayPointCount>> CountPointsAsync(
        TenantId tenant,
        DateOnly firstDay,
        int days,
        CancellationToken cancellationToken = default
    )
    {
        var counts = new List<DayPointCount>();
        foreach (var (day, points) in await CountAsync(tenant, firstDay, days, cancellationToken).ConfigureAwait(false))
        {
            if (points.Count > 0)
                counts.Add(new DayPointCount(day, points.Values.Sum()));
        }

        return counts;
    }

    public async ValueTask<IReadOnlyList<DevicePointCount>> ListBusiestAsync(
        TenantId tenant,
        DateOnly firstDay,
        int days,
        int limit,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        var ofDevices = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (_, points) in await CountAsync(tenant, firstDay, days, cancellationToken).ConfigureAwait(false))
        {
            foreach (var (device, count) in points)
                ofDevices[device] = ofDevices.GetValueOrDefault(device) + count;
        }

        return
        [
            .. ofDevices
                .OrderByDescending(entry => entry.Value)
                .ThenBy(entry => entry.Key, StringComparer.Ordinal)
                .Take(limit)
                .Select(entry => new DevicePointCount(DeviceId.Parse(entry.Key), entry.Value)),
        ];
    }

    public void Dispose() => _scan.Dispose();

    private async ValueTask<List<(DateOnly Day, IReadOnlyDictionary<string, long> Points)>> CountAsync(
        TenantId tenant,
        DateOnly firstDay,
        int days,
        CancellationToken cancellationToken
    )
    {
        _ = tenant.Value; // throws for default
        ArgumentOutOfRangeException.ThrowIfLessThan(days, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(days, ITelemetryStatistics.MaxDays);
        if (_known.Count >= MostTenants)
            _known.Clear();
        var known = _known.GetOrAdd(tenant, static _ => new DayCounts());
        using var turn = await known.TakeTurnAsync(cancellationToken).ConfigureAwait(false);
        var counts = new List<(DateOnly, IReadOnlyDictionary<string, long>)>(days);
        for (var i = 0; i < days; i++)
        {
            var day = firstDay.AddDays(i);
            counts.Add((day, await CountDayAsync(known, tenant, day, cancellationToken).ConfigureAwait(false)));
        }

        return counts;
    }

    private async ValueTask<IReadOnlyDictionary<string, long>> CountDayAsync(
        DayCounts known,
        TenantId tenant,
        DateOnly day,
        CancellationToken cancellationToken
    )
    {
        if (!await _scan.WaitAsync(TimeSpan.Zero, cancellationToken).ConfigureAwait(false))
        {
            if (known.TryFind(day, time, Lately, out var points))
                return points;
            await _scan.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        try
        {
            // It takes as long as there are frames: not a thread that others wait for.
            var points = await Task
                .Factory.StartNew(
                    () => database.Read(connection => CountDay(connection, tenant, day)),
                    cancellationToken,
                    TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
                    TaskScheduler.Default
                )
                .ConfigureAwait(false);
            known.Keep(day, time, points);
            return points;
        }
        finally
        {
            _scan.Release();
        }
    }

    private static Dictionary<string, long> CountDay(SqliteConnection connection, TenantId tenant, DateOnly day)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"""
            SELECT d.name, sum(f.n * (1 + length(l.metrics) - length(replace(l.metrics, char(10), '')))) FROM (
              SELECT device, layout, count(*) AS n FROM telemetry_frame WHERE ts >= $from AND ts < $to GROUP BY device, layout) f
            JOIN telemetry_device d ON d.id = f.device AND d.{OfTenant} JOIN telemetry_layout l ON l.id = f.layout
            GROUP BY d.name
            """;
        var start = MicrosecondTime.FromTicks(day.ToDateTime(TimeOnly.MinValue).Ticks);
        command.Parameters.AddWithValue("$tenant", tenant.Value);
        command.Parameters.AddWithValue("$from", start);
        command.Parameters.AddWithValue("$to", start + (24 * MicrosecondTime.PerHour));
        var points = new Dictionary<string, long>(StringComparer.Ordinal);
        using var rows = command.ExecuteReader();
        while (rows.Read())
            points.Add(rows.GetString(0), rows.GetInt64(1));
        return points;
    }
}
