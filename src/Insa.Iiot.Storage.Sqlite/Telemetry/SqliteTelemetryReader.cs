using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>Reads one tenant's telemetry: hour by hour, only those that hold frames of the device.</summary>
internal sealed class SqliteTelemetryReader(SqliteDatabase database) : ITelemetryReader
{
    // What is read at a time, in whole instants.
    private const int PagePoints = 1000;
    private const int PageBytes = 1024 * 1024;

    private static readonly TimeSpan ShortestBucket = TimeSpan.FromMilliseconds(1);

    public async IAsyncEnumerable<TelemetryPoint> ReadAsync(
        TenantId tenant,
        TelemetryQuery query,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfNegative(query.Limit, nameof(query));

        // SQLite answers on the calling thread; the caller gets control back before the first look at the disk.
        await Task.Yield();
        var left = query.Limit;
        var from = query.After is { } after && after.Timestamp > query.From ? after.Timestamp : query.From;
        var wanted = query.Metrics.Count == 0 ? null : query.Metrics.ToHashSet(StringComparer.Ordinal);
        foreach (var point in Points(tenant, query.Device, from, query.To, wanted, query.Limit, cancellationToken))
        {
            if (left == 0)
                yield break;
            if (query.After is { } seen && point.Timestamp == seen.Timestamp && string.CompareOrdinal(point.Metric, seen.Metric) <= 0)
                continue;
            left--;
            yield return point;
        }
    }

    public ValueTask<IReadOnlyList<TelemetryPoint>> ReadLatestAsync(
        TenantId tenant,
        DeviceId device,
        CancellationToken cancellationToken = default
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult<IReadOnlyList<TelemetryPoint>>(ReadLatest(tenant, [device], cancellationToken)[0]);
    }

    /// <summary>The newest points of each of some devices, by metric (ordinal).</summary>
    public TelemetryPoint[][] ReadLatest(TenantId tenant, DeviceId[] devices, CancellationToken cancellationToken) =>
        database.Read(connection => LatestPoints.Read(connection, tenant, devices, cancellationToken));

    public ValueTask<IReadOnlyList<TelemetryBucket>> AggregateAsync(
        TenantId tenant,
        TelemetryAggregateQuery query,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Bucket, ShortestBucket, nameof(query));

        var buckets = new List<TelemetryBucket>();
        foreach (var point in Points(tenant, query.Device, query.From, query.To, [query.Metric], int.MaxValue, cancellationToken))
        {
            if (
                (point.Quality & TelemetryQuality.Bad) == TelemetryQuality.Bad
                || point.Value.Kind is TelemetryValueKind.Text or TelemetryValueKind.Json
            )
                continue;
            var offset =
                MicrosecondTime.FloorDivide(point.Timestamp.Ticks - DateTime.UnixEpoch.Ticks, query.Bucket.Ticks) * query.Bucket.Ticks;
            var start = new DateTime(DateTime.UnixEpoch.Ticks + offset, DateTimeKind.Utc);
            var value = point.Value.AsDouble();
            if (buckets.Count == 0 || buckets[^1].Start != start)
            {
                buckets.Add(new TelemetryBucket(start, 1, value, value, value));
                continue;
            }

            var open = buckets[^1];
            buckets[^1] = new TelemetryBucket(
                start,
                open.Count + 1,
                Math.Min(open.Min, value),
                Math.Max(open.Max, value),
                open.Sum + value
            );
        }

        return ValueTask.FromResult<IReadOnlyList<TelemetryBucket>>(buckets);
    }

    private IEnumerable<TelemetryPoint> Points(
        TenantId tenant,
        DeviceId device,
        DateTime from,
        DateTime to,
        HashSet<string>? wanted,
        int limit,
        CancellationToken cancellationToken
    )
    {
        using var connection = database.OpenReader();
        if (Guard((connection, tenant, device), static at => FindDevice(at.connection, at.tenant, at.device)) is not { } deviceId)
            yield break;

        var (first, end) = (MicrosecondTime.Ceiling(from), MicrosecondTime.Ceiling(to));
        var layouts = new Dictionary<long, string[]>();
        var page = new List<TelemetryPoint>();
        var most = Math.Clamp(limit, 1, PagePoints);
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT ts, layout, sequence, format, vals, quality FROM telemetry_frame
            WHERE ts >= $from AND ts < $to AND device = $device
            ORDER BY ts
            """;
        var fromParameter = command.Parameters.Add("$from", SqliteType.Integer);
        var toParameter = command.Parameters.Add("$to", SqliteType.Integer);
        command.Parameters.AddWithValue("$device", deviceId);

        foreach (var hour in Guard((connection, deviceId, first, end), static at => Hours(at.connection, at.deviceId, at.first, at.end)))
        {
            var (low, high) = (Math.Max(first, hour.Start), Math.Min(end, hour.Start + MicrosecondTime.PerHour));
            foreach (var (rangeStart, rangeEnd) in hour.Times is null ? [(low, high)] : Instants(hour, low, high))
            {
                // No row is open while a point is shown: whoever takes them slowly would keep SQLite from taking its log into the file.
                for (long? start = rangeStart; start is { } next; )
                {
                    (fromParameter.Value, toParameter.Value) = (next, rangeEnd);
                    start = Guard(
                        (command, layouts, page, wanted, most, cancellationToken),
                        static at => ReadPage(at.command, at.layouts, at.page, at.wanted, at.most, at.cancellationToken)
                    );
                    foreach (var point in page)
                        yield return point;
                    page.Clear();
                }
            }
        }
    }

    /// <returns>Where the next page begins; <see langword="null"/> after the last.</returns>
    private static long? ReadPage(
        SqliteCommand command,
        Dictionary<long, string[]> layouts,
        List<TelemetryPoint> page,
        HashSet<string>? wanted,
        int most,
        CancellationToken cancellationToken
    )
    {
        var instant = new SortedDictionary<string, (long Sequence, TelemetryPoint Point)>(StringComparer.Ordinal);
        var (at, bytes) = (long.MinValue, 0L);
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (rows.GetInt64(0) != at)
            {
                MoveTo(page, instant);
                at = rows.GetInt64(0);
                if (page.Count >= most || bytes >= PageBytes)
                    return at;
            }

            bytes += rows.GetBytes(4, 0, null, 0, 0);
            Merge(instant, rows, LayoutOf(command.Connection!, layouts, rows.GetInt64(1)), wanted);
        }

        MoveTo(page, instant);
        return null;
    }

    private static void MoveTo(List<TelemetryPoint> page, SortedDictionary<string, (long Sequence, TelemetryPoint Point)> instant)
    {
        foreach (var (_, point) in instant.Values)
            page.Add(point);
        instant.Clear();
    }

    // Where the times of an hour are known, each is looked up by itself.
    private static IEnumerable<(long Start, long End)> Instants((long Start, byte[]? Times) hour, long low, long high)
    {
        foreach (var time in TimeList.Read(hour.Times!, hour.Start))
        {
            if (time >= high)
                yield break;
            if (time >= low)
                yield return (time, time + 1);
        }
    }

    // Frames of several layouts may share an instant and a metric: what was written last counts.
    private static void Merge(
        SortedDictionary<string, (long Sequence, TelemetryPoint Point)> instant,
        SqliteDataReader rows,
        string[] metrics,
        HashSet<string>? wanted
    )
    {
        if (wanted is not null && !Array.Exists(metrics, wanted.Contains))
            return;
        var sequence = rows.GetInt64(2);
        foreach (var point in Decode(rows, metrics))
        {
            if (wanted?.Contains(point.Metric) == false)
                continue;
            if (!instant.TryGetValue(point.Metric, out var other) || sequence > other.Sequence)
                instant[point.Metric] = (sequence, point);
        }
    }

    /// <summary>The points of a frame, whose columns come first: time, layout, sequence, format, values, quality.</summary>
    internal static TelemetryPoint[] Decode(SqliteDataReader rows, string[] metrics)
    {
        var timestamp = MicrosecondTime.ToDateTime(rows.GetInt64(0));
        var values = new TelemetryValue[metrics.Length];
        if (!FrameCodec.TryRead(rows.GetInt32(3), (byte[])rows.GetValue(4), values))
            throw new TelemetryStoreException(
                "A stored frame cannot be read: the file is damaged; restore it from a backup.",
                isTransient: false
            );
        var qualities = rows.IsDBNull(5) ? null : (byte[])rows.GetValue(5);
        var points = new TelemetryPoint[metrics.Length];
        for (var i = 0; i < points.Length; i++)
            points[i] = new TelemetryPoint(
                metrics[i],
                timestamp,
                values[i],
                qualities is null ? TelemetryQuality.Good : (TelemetryQuality)qualities[i]
            );
        return points;
    }

    private static long? FindDevice(SqliteConnection connection, TenantId tenant, DeviceId device)
    {
        using var command = connection.CreateCommand();
        command.CommandText =
            "SELECT d.id FROM tenant t JOIN telemetry_device d ON d.tenant = t.id WHERE t.name = $tenant AND d.name = $device";
        command.Parameters.AddWithValue("$tenant", tenant.Value);
        command.Parameters.AddWithValue("$device", device.Value);
        return command.ExecuteScalar() as long?;
    }

    private static List<(long Start, byte[]? Times)> Hours(SqliteConnection connection, long device, long from, long to)
    {
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT h.hour, CASE WHEN o.hour IS NULL THEN h.times END
            FROM telemetry_hour h LEFT JOIN telemetry_open o ON o.hour = h.hour
            WHERE h.device = $device AND h.hour BETWEEN $first AND $last ORDER BY h.hour
            """;
        command.Parameters.AddWithValue("$device", device);
        command.Parameters.AddWithValue("$first", MicrosecondTime.FloorDivide(from, MicrosecondTime.PerHour));
        command.Parameters.AddWithValue("$last", MicrosecondTime.FloorDivide(to, MicrosecondTime.PerHour));
        var hours = new List<(long, byte[]?)>();
        using var rows = command.ExecuteReader();
        while (rows.Read())
            hours.Add((rows.GetInt64(0) * MicrosecondTime.PerHour, rows.IsDBNull(1) ? null : (byte[])rows.GetValue(1)));
        return hours;
    }

    private static string[] LayoutOf(SqliteConnection connection, Dictionary<long, string[]> layouts, long id)
    {
        if (layouts.TryGetValue(id, out var metrics))
            return metrics;
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT metrics FROM telemetry_layout WHERE id = $id";
        command.Parameters.AddWithValue("$id", id);
        return layouts[id] = LayoutText.Split((string)command.ExecuteScalar()!);
    }

    // An iterator cannot hold a yield inside a catch: its calls are guarded one by one.
    private static TResult Guard<T, TResult>(T on, Func<T, TResult> call)
    {
        try
        {
            return call(on);
        }
        catch (SqliteException e)
        {
            throw SqliteErrors.ToStoreException(e);
        }
    }
}
