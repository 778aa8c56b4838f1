using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Which hours have a partition, as far as this host knows. Makes those that are missing. Thread-safe.</summary>
internal sealed class PartitionCache
{
    private const int MaxHours = 200_000;

    private readonly Lock _sync = new();
    private readonly Dictionary<long, long> _hours = [];

    /// <summary>The first hour of the partition that holds an hour, if it is known.</summary>
    public bool TryFind(long hour, out long first)
    {
        lock (_sync)
            return _hours.TryGetValue(hour, out first);
    }

    public void Forget()
    {
        lock (_sync)
            _hours.Clear();
    }

    /// <summary>Makes the partition that holds an hour, unless there is one. In a transaction of its own: each locks a few tables more.</summary>
    /// <returns>The partition's first hour.</returns>
    public async Task<long> EnsureAsync(NpgsqlConnection connection, long hour, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand("select starts, ends from iiot_data.ensure_partition($1)", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Time(PostgresTime.ToDateTime(hour * PostgresTime.PerHour)));
        var row = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRow = row.ConfigureAwait(false);
        await row.ReadAsync(cancellationToken).ConfigureAwait(false);

        // Not as DateTime: the last partition of all ends after the last of those.
        var (first, end) = (row.GetFieldValue<long>(0) / PostgresTime.PerHour, row.GetFieldValue<long>(1) / PostgresTime.PerHour);
        lock (_sync)
        {
            if (_hours.Count + (end - first) > MaxHours)
                _hours.Clear();
            for (var held = first; held < end; held++)
                _hours[held] = first;
        }

        return first;
    }
}
