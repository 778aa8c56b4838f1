using Insa.Iiot.Storage.Postgres.Diagnostics;
using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Closes hours, and brings the rollups up to date with the frames of closed hours. One host of a cluster at a time.</summary>
/// <remarks>
/// A run is a row of transactions, each of which leaves everything in order: it can end, or be ended, after any of them, and the next run
/// goes on from there. What is not up to date is always marked: in <c>rollup_closing</c>, <c>rollup_pending</c> or <c>rollup_pending_day</c>.
/// </remarks>
internal sealed partial class RollupJob(
    PostgresDatabase database,
    IPointSource points,
    IOptions<PostgresStorageOptions> options,
    TimeProvider time,
    JobClock clock,
    ILogger<RollupJob> logger
)
{
    /// <summary>Points that were rolled up since this host started.</summary>
    public long Points { get; private set; }

    /// <summary>Does all that there is to do, unless another host is at it.</summary>
    /// <param name="mostSteps">End after as many transactions, as if the host had failed.</param>
    /// <param name="cancellationToken">Ends the run after the transaction at hand, or in it.</param>
    /// <returns>How many transactions there were.</returns>
    public async Task<int> RunAsync(int mostSteps, CancellationToken cancellationToken)
    {
        await database.ReadyAsync(cancellationToken).ConfigureAwait(false);
        var taken = await SessionLock.TryTakeAsync(database, SessionLock.Rollups, cancellationToken).ConfigureAwait(false);
        if (taken is null)
            return 0;
        await using var disposeTaken = taken.ConfigureAwait(false);
        return await RunAsync(taken.Connection, mostSteps, cancellationToken).ConfigureAwait(false);
    }

    private async Task<int> RunAsync(NpgsqlConnection connection, int mostSteps, CancellationToken cancellationToken)
    {
        if (mostSteps == 0)
            return 0;
        var steps = 1;
        await CloseAsync(connection, cancellationToken).ConfigureAwait(false);
        foreach (var step in (Func<NpgsqlConnection, CancellationToken, Task<bool>>[])[ExpandAsync, RollHoursAsync, RollDaysAsync])
        {
            while (steps < mostSteps && await step(connection, cancellationToken).ConfigureAwait(false))
                steps++;
        }

        return steps;
    }

    /// <summary>Marks the streams of one closing hour.</summary>
    /// <returns>Whether there was one.</returns>
    private static async Task<bool> ExpandAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var transaction = await BeginAsync(connection, cancellationToken).ConfigureAwait(false);
        await using var _ = transaction.ConfigureAwait(false);
        var hour = await TakeClosingAsync(connection, cancellationToken).ConfigureAwait(false);
        if (hour is not { } start)
            return false;
        var command = new NpgsqlCommand(
            """
            insert into iiot_data.rollup_pending (tenant_no, stream_no, hour)
            select s.tenant_no, s.stream_no, $1 from iiot.telemetry_stream s
            cross join lateral (
              select from iiot_data.telemetry_frame f
              where f.tenant_no = s.tenant_no and f.stream_no = s.stream_no and f.ts >= $1 and f.ts < $2 limit 1) f
            on conflict do nothing
            """,
            connection
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Time(start));
        command.Parameters.Add(Parameter.Time(start + PostgresTime.PerHour));
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    private static async Task<long?> TakeClosingAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(
            "delete from iiot_data.rollup_closing where hour = (select min(hour) from iiot_data.rollup_closing) returning hour",
            connection
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        var row = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRow = row.ConfigureAwait(false);
        return await row.ReadAsync(cancellationToken).ConfigureAwait(false) ? row.GetFieldValue<long>(0) : null;
    }

    // The rows to be found are few and known by key, whatever the statistics of a young partition say.
    private static async Task<NpgsqlTransaction> BeginAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(
                connection,
                "set local enable_hashjoin = off; set local enable_mergejoin = off; set local enable_seqscan = off",
                cancellationToken
            )
            .ConfigureAwait(false);
        return transaction;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, connection);
        await using var _ = command.ConfigureAwait(false);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }
}
