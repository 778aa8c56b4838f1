using System.Diagnostics.CodeAnalysis;
using Insa.Iiot.Storage.Sqlite.Diagnostics;
using Insa.Iiot.Storage.Sqlite.Erasure;
using Insa.Iiot.Storage.Sqlite.Telemetry;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Storage.Sqlite.Retention;

/// <summary>Deletes the frames that their tenant no longer keeps, by whole hours.</summary>
/// <remarks>
/// One transaction decides on an hour: it notes it in <c>retention_due</c> with the number that the next frame will get, takes it from the index, so that
/// nobody reads it, and tells writers to forget that they have put it there. Then the frames with lower numbers go in steps, between which others
/// write. A frame that comes late puts its hour into the index again, and the next run finds it. After a crash the next run goes on with what is noted.
/// </remarks>
[SuppressMessage("Security", "CA2100", Justification = "The texts are constants of this package.")]
internal sealed class RetentionJob(SqliteDatabase database, TimeProvider time, ILogger<RetentionJob> logger) : BackgroundService
{
    private const int FramesPerStep = 2000;
    private const string DevicesOfTenant = "device IN (SELECT id FROM telemetry_device WHERE tenant = $tenant)";
    private static readonly TimeSpan Pace = TimeSpan.FromHours(1);

    /// <summary>Deletes all that is due.</summary>
    /// <param name="stepDone">Hears of each step, by how many frames it deleted.</param>
    /// <param name="cancellationToken">Stops between two steps; the next run goes on.</param>
    /// <returns>How many frames were deleted.</returns>
    public long Run(Action<int>? stepDone, CancellationToken cancellationToken)
    {
        var deleted = 0L;
        foreach (var due in database.Read(ReadNoted))
            deleted += Delete(due, stepDone, cancellationToken);
        var now = MicrosecondTime.FromTicks(time.GetUtcNow().UtcTicks);
        foreach (var (tenant, keep) in database.Read(ReadPolicies))
        {
            var before = MicrosecondTime.FloorDivide(now - keep, MicrosecondTime.PerHour);
            foreach (var hour in database.Read(connection => FindHours(connection, tenant, before)))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (database.Transact(command => Decide(command, tenant, hour, now)) is { } due)
                    deleted += Delete(due, stepDone, cancellationToken);
            }
        }

        return deleted;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        using var timer = new PeriodicTimer(Pace, time);
        do
        {
            try
            {
                if (Run(stepDone: null, stoppingToken) is > 0 and var frames)
                    logger.FramesExpired(frames);
            }
            catch (TelemetryStoreException e)
            {
                logger.FramesNotExpired(e);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    // What is of a tenant that is being erased is the eraser's.
    private static List<DueHour> ReadNoted(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText =
            $"SELECT r.tenant, r.hour, r.sequence FROM retention_due r JOIN tenant t ON t.id = r.tenant WHERE NOT {SqliteTenantEraser.IsErased}";
        var noted = new List<DueHour>();
        using var rows = command.ExecuteReader();
        while (rows.Read())
            noted.Add(new DueHour(rows.GetInt64(0), rows.GetInt64(1), rows.GetInt64(2)));
        return noted;
    }

    private static List<(long Tenant, long Keep)> ReadPolicies(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT tenant, keep FROM retention_policy ORDER BY tenant";
        var policies = new List<(long, long)>();
        using var rows = command.ExecuteReader();
        while (rows.Read())
            policies.Add((rows.GetInt64(0), rows.GetInt64(1)));
        return policies;
    }

    private static List<long> FindHours(SqliteConnection connection, long tenant, long before)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT DISTINCT hour FROM telemetry_hour WHERE {DevicesOfTenant} AND hour < $before ORDER BY hour";
        command.Parameters.AddWithValue("$tenant", tenant);
        command.Parameters.AddWithValue("$before", before);
        var hours = new List<long>();
        using var rows = command.ExecuteReader();
        while (rows.Read())
            hours.Add(rows.GetInt64(0));
        return hours;
    }

    // Asks for the policy once more: it may have gone or changed, and the tenant too, since the hours were looked up.
    private static DueHour? Decide(SqliteCommand command, long tenant, long hour, long now)
    {
        command.CommandText = $"""
            INSERT INTO retention_due (tenant, hour, sequence)
              SELECT t.id, $hour, (SELECT value FROM meta WHERE key = 'sequence') FROM tenant t JOIN retention_policy p ON p.tenant = t.id
              WHERE t.id = $tenant AND NOT {SqliteTenantEraser.IsErased} AND $ends <= $now - p.keep
              ON CONFLICT (tenant, hour) DO UPDATE SET sequence = excluded.sequence
              RETURNING sequence
            """;
        command.Parameters.AddWithValue("$tenant", tenant);
        command.Parameters.AddWithValue("$hour", hour);
        command.Parameters.AddWithValue("$ends", (hour + 1) * MicrosecondTime.PerHour);
        command.Parameters.AddWithValue("$now", now);
        if (command.ExecuteScalar() is not long sequence)
            return null;
        command.CommandText = $"""
            DELETE FROM telemetry_hour WHERE {DevicesOfTenant} AND hour = $hour;
            DELETE FROM telemetry_shape WHERE {DevicesOfTenant} AND last_ts < $ends;
            UPDATE meta SET value = value + 1 WHERE key = 'erasures'
            """;
        command.ExecuteNonQuery();
        return new DueHour(tenant, hour, sequence);
    }

    private long Delete(DueHour due, Action<int>? stepDone, CancellationToken cancellationToken)
    {
        var deleted = 0L;
        var from = due.Hour * MicrosecondTime.PerHour;
        List<(long Ts, long Device, long Layout)> page;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();

            // Read beside the writer: between two frames of the tenant may be very many of others.
            page = database.Read(connection => ReadKeys(connection, due, from));
            if (page.Count == 0)
                break;
            var rows = database.Transact(command => Delete(command, due, page));
            stepDone?.Invoke(rows);
            deleted += rows;
            from = page[^1].Ts;
        } while (page.Count == FramesPerStep);

        database.Transact(command => Forget(command, due));
        return deleted;
    }

    private static List<(long Ts, long Device, long Layout)> ReadKeys(SqliteConnection connection, DueHour due, long from)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"""
            SELECT ts, device, layout FROM telemetry_frame WHERE ts >= $from AND ts < $to AND {DevicesOfTenant} AND sequence < $sequence
            ORDER BY ts, device, layout LIMIT {FramesPerStep}
            """;
        command.Parameters.AddWithValue("$tenant", due.Tenant);
        command.Parameters.AddWithValue("$from", from);
        command.Parameters.AddWithValue("$to", (due.Hour + 1) * MicrosecondTime.PerHour);
        command.Parameters.AddWithValue("$sequence", due.Sequence);
        var keys = new List<(long, long, long)>();
        using var rows = command.ExecuteReader();
        while (rows.Read())
            keys.Add((rows.GetInt64(0), rows.GetInt64(1), rows.GetInt64(2)));
        return keys;
    }

    // One that was written again since it was read has a new number.
    private static int Delete(SqliteCommand command, DueHour due, List<(long Ts, long Device, long Layout)> keys)
    {
        command.CommandText =
            "DELETE FROM telemetry_frame WHERE ts = $ts AND device = $device AND layout = $layout AND sequence < $sequence";
        var ts = command.Parameters.Add("$ts", SqliteType.Integer);
        var device = command.Parameters.Add("$device", SqliteType.Integer);
        var layout = command.Parameters.Add("$layout", SqliteType.Integer);
        command.Parameters.AddWithValue("$sequence", due.Sequence);
        var deleted = 0;
        foreach (var key in keys)
        {
            (ts.Value, device.Value, layout.Value) = (key.Ts, key.Device, key.Layout);
            deleted += command.ExecuteNonQuery();
        }

        return deleted;
    }

    // Unless another host has decided on the hour again.
    private static int Forget(SqliteCommand command, DueHour due)
    {
        command.CommandText = "DELETE FROM retention_due WHERE tenant = $tenant AND hour = $hour AND sequence = $sequence";
        command.Parameters.AddWithValue("$tenant", due.Tenant);
        command.Parameters.AddWithValue("$hour", due.Hour);
        command.Parameters.AddWithValue("$sequence", due.Sequence);
        return command.ExecuteNonQuery();
    }
}
