using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Reads a partition of frames and compares it with the rollups.</summary>
internal sealed class FrameProof(PostgresDatabase database)
{
    /// <returns>What differs, or <see langword="null"/> if the rollups say the same.</returns>
    public async Task<string?> FindDifferenceAsync(
        PartitionSpan span,
        DateTime now,
        TimeSpan? hourRetention,
        CancellationToken cancellationToken
    )
    {
        // Where the hours have gone themselves there is nothing to compare with.
        if (hourRetention is { } keep && span.Starts < now - keep)
            return null;
        var connection = await database.Jobs.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeConnection = connection.ConfigureAwait(false);
        var work = new CompactionWork(PostgresTime.FromTicks(span.Starts.Ticks));
        foreach (var streams in await SpanStreams.FindAsync(connection, cancellationToken).ConfigureAwait(false))
        {
            foreach (var portion in streams.Portions(span))
            {
                work.Begin(streams.TenantNo, portion);
                await SpanReader.ReadFramesAsync(connection, span, work, cancellationToken).ConfigureAwait(false);
                await SpanReader.MergeChunksAsync(connection, span, work, cancellationToken).ConfigureAwait(false);
                var different = await CountDifferentAsync(connection, span, work, cancellationToken).ConfigureAwait(false);
                if (different > 0)
                    return $"the rollups of {different} series do not say the same";
            }
        }

        return null;
    }

    private static async Task<long> CountDifferentAsync(
        NpgsqlConnection connection,
        PartitionSpan span,
        CompactionWork work,
        CancellationToken cancellationToken
    )
    {
        if (work.IsEmpty)
            return 0;
        var series = work.Summaries().ToList();
        var command = new NpgsqlCommand(
            """
            select count(*) from unnest($2, $3, $4, $5, $6, $7, $8) c (device_no, metric_no, n, sum, sum_squares, min, max)
            where not exists (
              select from iiot_data.rollup_frozen z where z.tenant_no = $1 and z.metric_no = c.metric_no and z.hours_before > $9)
            and not (
              select coalesce(sum(r.n), 0) = c.n and (c.n = 0 or (
                min(r.min) = c.min and max(r.max) = c.max and abs(sum(r.sum) - c.sum) <= 1e-9 * sqrt(c.n * c.sum_squares) + 1e-300))
              from iiot_data.rollup_hour r
              where r.tenant_no = $1 and r.device_no = c.device_no and r.metric_no = c.metric_no and r.quality < 2
                and r.bucket >= $9 and r.bucket < $10)
            """,
            connection
        )
        {
            CommandTimeout = 0,
        };
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Number(work.TenantNo));
        Add(command, NpgsqlDbType.Integer, series.ConvertAll(one => one.DeviceNo));
        Add(command, NpgsqlDbType.Integer, series.ConvertAll(one => one.MetricNo));
        Add(command, NpgsqlDbType.Bigint, series.ConvertAll(one => (long)one.Summary.Numbers));
        Add(command, NpgsqlDbType.Double, series.ConvertAll(one => one.Summary.Sum));
        Add(command, NpgsqlDbType.Double, series.ConvertAll(one => one.Summary.SumOfSquares));
        Add(command, NpgsqlDbType.Double, series.ConvertAll(one => one.Summary.Min));
        Add(command, NpgsqlDbType.Double, series.ConvertAll(one => one.Summary.Max));
        command.Parameters.Add(Parameter.Time(span.Starts));
        command.Parameters.Add(Parameter.Time(span.Ends));
        return (long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private static void Add<T>(NpgsqlCommand command, NpgsqlDbType type, List<T> values) =>
        command.Parameters.Add(Parameter.List(values, type));
}
