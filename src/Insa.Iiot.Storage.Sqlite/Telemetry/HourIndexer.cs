using Insa.Iiot.Storage.Sqlite.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>Notes, for hours that are over, at which times each device spoke, so that reading a device need not look at the others' frames.</summary>
/// <remarks>
/// One pass over an hour costs what one read of it would. A frame that comes late opens its hour again. Devices that wrote much of an
/// hour get no list: for them passing over the rest is the faster way.
/// </remarks>
internal sealed class HourIndexer(SqliteDatabase database, OpenHours openHours, TimeProvider time, ILogger<HourIndexer> logger)
    : BackgroundService
{
    private const int ScanShare = 16;
    private const int MaxListBytes = 64 * 1024 * 1024;
    private static readonly TimeSpan Pace = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);

    /// <summary>Indexes every hour that is over.</summary>
    /// <returns>How many were indexed.</returns>
    public int IndexClosedHours(CancellationToken cancellationToken)
    {
        var indexed = 0;
        var over = MicrosecondTime.FloorDivide(MicrosecondTime.FromTicks((time.GetUtcNow() - Grace).UtcTicks), MicrosecondTime.PerHour);
        foreach (var hour in FindOpen(over))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Index(hour, cancellationToken))
                indexed++;
        }

        return indexed;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        using var timer = new PeriodicTimer(Pace, time);
        do
        {
            try
            {
                IndexClosedHours(stoppingToken);
            }
            catch (TelemetryStoreException e)
            {
                logger.HoursNotIndexed(e);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private List<long> FindOpen(long before) =>
        database.Read(connection =>
        {
            using var command = connection.CreateCommand();
            command.CommandText = "SELECT hour FROM telemetry_open WHERE hour < $before ORDER BY hour";
            command.Parameters.AddWithValue("$before", before);
            var hours = new List<long>();
            using var rows = command.ExecuteReader();
            while (rows.Read())
                hours.Add(rows.GetInt64(0));
            return hours;
        });

    private bool Index(long hour, CancellationToken cancellationToken)
    {
        database.Write(_ =>
        {
            openHours.Watch(hour);
            return true;
        });
        var lists = database.Read(connection => MakeLists(connection, hour, cancellationToken));
        return database.Transact(command =>
        {
            // What came in the meantime is not in the lists: another time.
            if (openHours.WasTouched(hour))
                return false;
            command.CommandText = "UPDATE telemetry_hour SET times = $times WHERE device = $device AND hour = $hour";
            foreach (var (device, times) in lists)
            {
                command.Parameters.Clear();
                command.Parameters.AddWithValue("$times", (object?)times ?? DBNull.Value);
                command.Parameters.AddWithValue("$device", device);
                command.Parameters.AddWithValue("$hour", hour);
                command.ExecuteNonQuery();
            }

            openHours.Close(command, hour);
            return true;
        });
    }

    private static Dictionary<long, byte[]?> MakeLists(SqliteConnection connection, long hour, CancellationToken cancellationToken)
    {
        var lists = new Dictionary<long, (List<byte> Blob, long Last, int Count)>();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT device, ts FROM telemetry_frame WHERE ts >= $from AND ts < $to ORDER BY ts";
        var start = hour * MicrosecondTime.PerHour;
        command.Parameters.AddWithValue("$from", start);
        command.Parameters.AddWithValue("$to", start + MicrosecondTime.PerHour);
        var frames = 0L;
        var bytes = 0L;
        using var rows = command.ExecuteReader();
        for (; rows.Read(); frames++)
        {
            if ((frames & 0xFFFF) == 0)
                cancellationToken.ThrowIfCancellationRequested();
            var (device, ts) = (rows.GetInt64(0), rows.GetInt64(1));
            if (!lists.TryGetValue(device, out var list))
                list = ([], start, 0);
            if (list.Count > 0 && list.Last == ts)
                continue;
            var before = list.Blob.Count;
            if (bytes < MaxListBytes)
                TimeList.Append(list.Blob, ts - list.Last);
            bytes += list.Blob.Count - before;
            lists[device] = (list.Blob, ts, list.Count + 1);
        }

        return lists.ToDictionary(
            entry => entry.Key,
            entry => bytes < MaxListBytes && (long)entry.Value.Count * ScanShare < frames ? entry.Value.Blob.ToArray() : null
        );
    }
}
