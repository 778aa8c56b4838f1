using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>Writes batches: one transaction each, one row per frame, through prepared statements on the bare SQLite handle.</summary>
internal sealed class SqliteTelemetrySink : ITelemetrySink, IDisposable
{
    private const string PutFrame =
        "INSERT INTO telemetry_frame (ts, device, layout, sequence, format, vals, quality) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
        + "ON CONFLICT DO UPDATE SET sequence = excluded.sequence, format = excluded.format, vals = excluded.vals, quality = excluded.quality";

    private const string PutHour = "INSERT OR IGNORE INTO telemetry_hour (device, hour) VALUES (?1, ?2)";

    private const string PutShape =
        "INSERT INTO telemetry_shape (device, layout, last_ts) VALUES (?1, ?2, ?3) "
        + "ON CONFLICT DO UPDATE SET last_ts = excluded.last_ts WHERE excluded.last_ts > last_ts";

    private readonly SqliteDatabase _database;
    private readonly OpenHours _openHours;
    private readonly SurrogateIds _ids = new();
    private readonly Dictionary<(long Device, long Layout), long> _newest = [];
    private readonly List<sqlite3_stmt> _statements = [];
    private SqliteConnection? _connection;
    private sqlite3_stmt _putFrame = null!;
    private sqlite3_stmt _putHour = null!;
    private sqlite3_stmt _putShape = null!;
    private byte[] _values = new byte[4096];
    private byte[] _qualities = new byte[64];
    private long _sequence;
    private long _erasures;
    private long _lastHour;

    public SqliteTelemetrySink(SqliteDatabase database, OpenHours openHours) => (_database, _openHours) = (database, openHours);

    // The database has one writer: a second batch would only wait, with its memory held.
    public int MaxConcurrentWrites => 1;

    public Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        cancellationToken.ThrowIfCancellationRequested();
        return _database.Write(connection =>
        {
            Write(connection, batch);
            return Task.CompletedTask;
        });
    }

    public void Dispose()
    {
        foreach (var statement in _statements)
            statement.Dispose();
        _statements.Clear();
    }

    private void Write(SqliteConnection connection, TelemetryBatch batch)
    {
        var handle = connection.Handle!;
        if (!ReferenceEquals(connection, _connection))
            Prepare(connection, handle);

        SqliteErrors.Check(handle, raw.sqlite3_exec(handle, "BEGIN IMMEDIATE"));
        try
        {
            ReadState(connection);
            _lastHour = long.MinValue;
            foreach (var chunk in batch.Chunks)
            {
                var tenant = _ids.Tenant(connection, chunk.Tenant);
                for (var i = 0; i < chunk.FrameCount; i++)
                    Put(connection, handle, tenant, chunk[i]);
            }

            foreach (var ((device, layout), ts) in _newest)
                Put(handle, _putShape, device, layout, ts);
            WriteSequence(connection);
            SqliteErrors.Check(handle, raw.sqlite3_exec(handle, "COMMIT"));
        }
        catch
        {
            // What the failed transaction made does not exist. The roll-back's own result does not matter: some errors roll back by themselves.
            raw.sqlite3_exec(handle, "ROLLBACK");
            _ids.Clear();
            _openHours.Clear();
            throw;
        }
        finally
        {
            _newest.Clear();
        }
    }

    private void Put(SqliteConnection connection, sqlite3 handle, long tenant, TelemetryFrame frame)
    {
        var device = _ids.Device(connection, tenant, frame.Device);
        var layout = _ids.Layout(connection, tenant, frame.Layout);
        var ts = MicrosecondTime.FromTicks(frame.TimestampTicks);

        var size = FrameCodec.SizeOf(frame, out var format);
        if (_values.Length < size)
            _values = new byte[size];
        FrameCodec.Write(frame, format, _values);

        raw.sqlite3_bind_int64(_putFrame, 1, ts);
        raw.sqlite3_bind_int64(_putFrame, 2, device);
        raw.sqlite3_bind_int64(_putFrame, 3, layout);
        raw.sqlite3_bind_int64(_putFrame, 4, _sequence++);
        raw.sqlite3_bind_int64(_putFrame, 5, format);
        SqliteErrors.Check(handle, raw.sqlite3_bind_blob(_putFrame, 6, _values.AsSpan(0, size)));
        BindQuality(handle, frame);
        Step(handle, _putFrame);

        var hour = MicrosecondTime.FloorDivide(ts, MicrosecondTime.PerHour);
        if (hour != _lastHour)
        {
            _openHours.Touch(connection, hour);
            _lastHour = hour;
        }

        if (_ids.AddHour(device, hour))
        {
            raw.sqlite3_bind_int64(_putHour, 1, device);
            raw.sqlite3_bind_int64(_putHour, 2, hour);
            Step(handle, _putHour);
        }

        ref var newest = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(
            _newest,
            (device, layout),
            out var known
        );
        if (!known || ts > newest)
            newest = ts;
    }

    // Most frames are good throughout, and cost nothing for it.
    private void BindQuality(sqlite3 handle, TelemetryFrame frame)
    {
        if (!frame.Qualities.ContainsAnyExcept(TelemetryQuality.Good))
        {
            SqliteErrors.Check(handle, raw.sqlite3_bind_null(_putFrame, 7));
            return;
        }

        if (_qualities.Length < frame.Count)
            _qualities = new byte[frame.Count];
        for (var i = 0; i < frame.Count; i++)
            _qualities[i] = (byte)frame.Qualities[i];
        SqliteErrors.Check(handle, raw.sqlite3_bind_blob(_putFrame, 7, _qualities.AsSpan(0, frame.Count)));
    }

    private static void Put(sqlite3 handle, sqlite3_stmt statement, long first, long second, long third)
    {
        raw.sqlite3_bind_int64(statement, 1, first);
        raw.sqlite3_bind_int64(statement, 2, second);
        raw.sqlite3_bind_int64(statement, 3, third);
        Step(handle, statement);
    }

    private static void Step(sqlite3 handle, sqlite3_stmt statement)
    {
        var result = raw.sqlite3_step(statement);
        raw.sqlite3_reset(statement);
        SqliteErrors.Check(handle, result);
    }

    // Numbers of a tenant that was erased since, by whatever process, may be another's soon.
    private void ReadState(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT (SELECT value FROM meta WHERE key = 'sequence'), (SELECT value FROM meta WHERE key = 'erasures')";
        using var row = command.ExecuteReader();
        row.Read();
        _sequence = row.GetInt64(0);
        if (_erasures == row.GetInt64(1))
            return;
        _erasures = row.GetInt64(1);
        _ids.Clear();
    }

    private void WriteSequence(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "UPDATE meta SET value = $value WHERE key = 'sequence'";
        command.Parameters.AddWithValue("$value", _sequence);
        command.ExecuteNonQuery();
    }

    private void Prepare(SqliteConnection connection, sqlite3 handle)
    {
        Dispose();
        _ids.Clear();
        _openHours.Clear();
        _putFrame = Prepare(handle, PutFrame);
        _putHour = Prepare(handle, PutHour);
        _putShape = Prepare(handle, PutShape);
        _connection = connection;
    }

    private sqlite3_stmt Prepare(sqlite3 handle, string sql)
    {
        SqliteErrors.Check(handle, raw.sqlite3_prepare_v3(handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out var statement));
        _statements.Add(statement);
        return statement;
    }
}
