using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>Measures what the frames of all tenants take, and the lists of their times: the lengths of what varies, and a constant for the rest of a row.</summary>
internal sealed class SqliteStorageMeter(SqliteDatabase database) : ITelemetryStorageMeter
{
    /// <summary>A frame without its values: five integers, the record's header, and its place in the page.</summary>
    public const int BytesPerFrame = 28;

    /// <summary>An hour of a device without the list of its times.</summary>
    public const int BytesPerHour = 12;

    // As much as one read passes over: the log cannot be taken into the file past a read that goes on.
    private const long Step = 24 * MicrosecondTime.PerHour;

    public ValueTask<IReadOnlyList<TenantBytes>> MeasureAsync(CancellationToken cancellationToken = default)
    {
        var sums = new Dictionary<string, long>(StringComparer.Ordinal);
        for (var from = FirstFrom(long.MinValue); from is { } start; from = FirstFrom(start + Step))
        {
            cancellationToken.ThrowIfCancellationRequested();
            Add(
                sums,
                $"""
                SELECT t.name, sum(length(f.vals) + ifnull(length(f.quality), 0) + {BytesPerFrame}) FROM telemetry_frame f
                JOIN telemetry_device d ON d.id = f.device JOIN tenant t ON t.id = d.tenant WHERE f.ts >= $from AND f.ts < $to GROUP BY t.id
                """,
                start
            );
        }

        Add(
            sums,
            $"""
            SELECT t.name, sum(ifnull(length(h.times), 0) + {BytesPerHour}) FROM telemetry_hour h
            JOIN telemetry_device d ON d.id = h.device JOIN tenant t ON t.id = d.tenant GROUP BY t.id
            """,
            from: 0
        );
        return ValueTask.FromResult<IReadOnlyList<TenantBytes>>([
            .. sums.Select(sum => new TenantBytes(TenantId.Parse(sum.Key), sum.Value)),
        ]);
    }

    private long? FirstFrom(long time) =>
        database.Read(connection =>
        {
            using var command = Command(connection, "SELECT min(ts) FROM telemetry_frame WHERE ts >= $from", time);
            return command.ExecuteScalar() as long?;
        });

    private void Add(Dictionary<string, long> sums, string sql, long from) =>
        database.Read(connection =>
        {
            using var command = Command(connection, sql, from);
            using var rows = command.ExecuteReader();
            while (rows.Read())
                sums[rows.GetString(0)] = sums.GetValueOrDefault(rows.GetString(0)) + rows.GetInt64(1);
            return true;
        });

    private static SqliteCommand Command(SqliteConnection connection, string sql, long from)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Parameters.AddWithValue("$from", from);
        command.Parameters.AddWithValue("$to", from + Step);
        return command;
    }
}
