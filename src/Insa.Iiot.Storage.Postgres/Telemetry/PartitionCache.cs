using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Which hours have a partition, as far as this host knows. Makes those that are missing. Thread-safe.</summary>
internal sealed class PartitionCache
{
    private const int MaxHours = 200_000;

    private readonly Lock _sync = new();
    private readonly HashSet<long> _hours = [];

    public bool Contains(long hour)
    {
        lock (_sync)
            return _hours.Contains(hour);
    }

    public void Forget()
    {
        lock (_sync)
            _hours.Clear();
    }

    /// <summary>Makes the partition that holds an hour, unless there is one.</summary>
    public async Task EnsureAsync(NpgsqlConnection connection, long hour, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand("select starts, ends from iiot_data.ensure_partition($1)", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Time(PostgresTime.ToDateTime(hour * PostgresTime.PerHour)));
        var row = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRow = row.ConfigureAwait(false);
        await row.ReadAsync(cancellationToken).ConfigureAwait(false);
        var (first, end) = (HourOf(row.GetDateTime(0)), HourOf(row.GetDateTime(1)));
        lock (_sync)
        {
            if (_hours.Count + (end - first) > MaxHours)
                _hours.Clear();
            for (; first < end; first++)
                _hours.Add(first);
        }
    }

    private static long HourOf(DateTime utc) => PostgresTime.FloorDivide(PostgresTime.FromTicks(utc.Ticks), PostgresTime.PerHour);
}
