using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite;

/// <summary>The schema's versions. Each step runs once, in place, in a transaction; <c>user_version</c> says which were run.</summary>
/// <remarks>
/// Times are microseconds since the Unix epoch. A frame's key begins with the time: the log of a write is whole pages, and frames
/// that arrive together then share them. <c>telemetry_hour</c> says which hours hold frames of a device, so that reading one device
/// skips the others' hours, and at which times within the hour once nothing more is expected in it; hours still written to stand in
/// <c>telemetry_open</c>. <c>telemetry_shape</c> holds the newest frame of each layout of a device, so that "latest" is a look-up.
/// <c>erasures</c> counts how often what writers remember has ceased to hold. <c>retention_due</c> holds hours whose frames are being deleted. Of credentials that are older than the columns that say when they were made, the device's own time is said.
/// </remarks>
internal static class SqliteSchema
{
    internal static readonly string[] Steps =
    [
        """
            CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
            INSERT INTO meta VALUES ('sequence', 1);

            CREATE TABLE tenant (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

            CREATE TABLE device (
              id INTEGER PRIMARY KEY,
              tenant INTEGER NOT NULL REFERENCES tenant (id),
              name TEXT NOT NULL,
              display_name TEXT NOT NULL,
              gateway TEXT,
              created_at INTEGER NOT NULL,
              secret_salt BLOB,
              secret_hash BLOB,
              UNIQUE (tenant, name)
            );
            CREATE INDEX device_gateway ON device (tenant, gateway) WHERE gateway IS NOT NULL;
            CREATE TABLE certificate (
              sha256 BLOB PRIMARY KEY,
              device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE
            ) WITHOUT ROWID;
            CREATE INDEX certificate_device ON certificate (device);

            CREATE TABLE dead_letter (
              id INTEGER PRIMARY KEY AUTOINCREMENT,
              tenant INTEGER NOT NULL REFERENCES tenant (id),
              device TEXT NOT NULL,
              received_at INTEGER NOT NULL,
              reason INTEGER NOT NULL,
              media_type TEXT NOT NULL,
              payload BLOB NOT NULL
            );
            CREATE INDEX dead_letter_tenant ON dead_letter (tenant, id);

            CREATE TABLE telemetry_device (
              id INTEGER PRIMARY KEY,
              tenant INTEGER NOT NULL REFERENCES tenant (id),
              name TEXT NOT NULL,
              UNIQUE (tenant, name)
            );
            CREATE TABLE telemetry_layout (
              id INTEGER PRIMARY KEY,
              tenant INTEGER NOT NULL REFERENCES tenant (id),
              metrics TEXT NOT NULL,
              UNIQUE (tenant, metrics)
            );
            CREATE TABLE telemetry_frame (
              ts INTEGER NOT NULL,
              device INTEGER NOT NULL,
              layout INTEGER NOT NULL,
              sequence INTEGER NOT NULL,
              format INTEGER NOT NULL,
              vals BLOB NOT NULL,
              quality BLOB,
              PRIMARY KEY (ts, device, layout)
            ) WITHOUT ROWID;
            CREATE TABLE telemetry_hour (device INTEGER NOT NULL, hour INTEGER NOT NULL, PRIMARY KEY (device, hour)) WITHOUT ROWID;
            CREATE TABLE telemetry_shape (
              device INTEGER NOT NULL,
              layout INTEGER NOT NULL,
              last_ts INTEGER NOT NULL,
              PRIMARY KEY (device, layout)
            ) WITHOUT ROWID;
            """,
        """
            ALTER TABLE telemetry_hour ADD COLUMN times BLOB;
            CREATE TABLE telemetry_open (hour INTEGER PRIMARY KEY);
            INSERT INTO telemetry_open SELECT DISTINCT hour FROM telemetry_hour;
            """,
        """
            CREATE TABLE control_record (
              scope INTEGER NOT NULL,
              kind TEXT NOT NULL,
              id TEXT NOT NULL,
              version INTEGER NOT NULL,
              body BLOB NOT NULL,
              PRIMARY KEY (scope, kind, id)
            ) WITHOUT ROWID;
            CREATE TABLE control_key (
              scope INTEGER NOT NULL,
              kind TEXT NOT NULL,
              key TEXT NOT NULL,
              id TEXT NOT NULL,
              PRIMARY KEY (scope, kind, key),
              FOREIGN KEY (scope, kind, id) REFERENCES control_record ON DELETE CASCADE
            ) WITHOUT ROWID;
            CREATE INDEX control_key_record ON control_key (scope, kind, id);
            CREATE TABLE control_counter (
              scope INTEGER NOT NULL REFERENCES tenant (id),
              name TEXT NOT NULL,
              used INTEGER NOT NULL DEFAULT 0,
              least INTEGER NOT NULL DEFAULT 0,
              most INTEGER,
              PRIMARY KEY (scope, name)
            ) WITHOUT ROWID;
            INSERT INTO control_counter (scope, name, used) SELECT tenant, 'devices', count(*) FROM device GROUP BY tenant;
            """,
        """
            ALTER TABLE device ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
            ALTER TABLE device ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
            ALTER TABLE device ADD COLUMN secret_made_at INTEGER;
            ALTER TABLE device ADD COLUMN secret_rotated_at INTEGER;
            ALTER TABLE device ADD COLUMN psk BLOB;
            ALTER TABLE device ADD COLUMN psk_made_at INTEGER;
            ALTER TABLE device ADD COLUMN psk_rotated_at INTEGER;
            ALTER TABLE certificate ADD COLUMN made_at INTEGER;
            UPDATE device SET gateway = NULL WHERE gateway = name OR gateway IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM device g WHERE g.tenant = device.tenant AND g.name = device.gateway);
            """,
        "INSERT INTO meta VALUES ('erasures', 0);",
        """
            CREATE TABLE retention_policy (tenant INTEGER PRIMARY KEY REFERENCES tenant (id), keep INTEGER NOT NULL);
            CREATE TABLE retention_due (
              tenant INTEGER NOT NULL REFERENCES tenant (id),
              hour INTEGER NOT NULL,
              sequence INTEGER NOT NULL,
              PRIMARY KEY (tenant, hour)
            ) WITHOUT ROWID;
            """,
    ];

    public static int CurrentVersion => Steps.Length;

    /// <exception cref="TelemetryStoreException">The database is of a newer version than this package knows.</exception>
    public static void Migrate(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        if (VersionOf(command) == CurrentVersion)
            return;

        // Another host may be migrating the same file: look again once the lock is ours.
        Execute(command, "BEGIN IMMEDIATE");
        try
        {
            var version = VersionOf(command);
            if (version > CurrentVersion)
            {
                throw new TelemetryStoreException(
                    $"The database has version {version}, and this package knows up to {CurrentVersion}: update the package.",
                    isTransient: false
                );
            }

            for (; version < CurrentVersion; version++)
                Execute(command, Steps[version]);
            Execute(command, string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {CurrentVersion}"));
            Execute(command, "COMMIT");
        }
        catch
        {
            Execute(command, "ROLLBACK");
            throw;
        }
    }

    private static int VersionOf(SqliteCommand command)
    {
        command.CommandText = "PRAGMA user_version";
        return Convert.ToInt32(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static void Execute(SqliteCommand command, string sql)
    {
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
