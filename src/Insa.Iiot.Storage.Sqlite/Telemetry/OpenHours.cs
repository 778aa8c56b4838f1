using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>Which hours are being written to. Used under the database's writing lock only.</summary>
internal sealed class OpenHours
{
    private readonly HashSet<long> _open = [];
    private readonly HashSet<long> _touched = [];

    /// <summary>Forgets all, so that it is looked up anew: after a roll-back, or on a new connection.</summary>
    public void Clear()
    {
        _open.Clear();
        _touched.Clear();
    }

    /// <summary>Says that a frame is written into an hour; the hour's list of times, if there is one, counts no more.</summary>
    public void Touch(SqliteConnection connection, long hour)
    {
        _touched.Add(hour);
        if (!_open.Add(hour))
            return;
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT OR IGNORE INTO telemetry_open (hour) VALUES ($hour)";
        command.Parameters.AddWithValue("$hour", hour);
        command.ExecuteNonQuery();
    }

    /// <summary>Begins to watch whether an hour is written to.</summary>
    public void Watch(long hour) => _touched.Remove(hour);

    /// <summary>Whether an hour was written to since <see cref="Watch"/>.</summary>
    public bool WasTouched(long hour) => _touched.Contains(hour);

    /// <summary>Says that an hour's lists of times are complete.</summary>
    public void Close(SqliteCommand command, long hour)
    {
        command.CommandText = "DELETE FROM telemetry_open WHERE hour = $hour";
        command.Parameters.Clear();
        command.Parameters.AddWithValue("$hour", hour);
        command.ExecuteNonQuery();
        _open.Remove(hour);
    }
}
