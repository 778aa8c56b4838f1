using Insa.Iiot.Storage.Postgres.Diagnostics;
using Insa.Iiot.Storage.Postgres.Retention;
using Insa.Iiot.Storage.Postgres.Rollups;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>Does what must be done by one host of a cluster, one thing after the other: partitions ahead, rollups, compaction, retention.</summary>
/// <remarks>Whose session holds the advisory lock is that host; when it is gone another takes over within a minute.</remarks>
internal sealed class JobService(
    PostgresDatabase database,
    RollupJob rollups,
    Compactor compactor,
    RetentionRun retention,
    IOptions<PostgresStorageOptions> options,
    TimeProvider time,
    JobClock clock,
    ILogger<JobService> logger
) : BackgroundService
{
    private const int PeriodsAhead = 3;
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RetentionPeriod = TimeSpan.FromHours(1);

    private DateTimeOffset _retentionDue;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.RunsJobs)
            return;
        using var timer = new PeriodicTimer(Period, time);
        do
        {
            await TryAsync(() => RunWhileHeldAsync(timer, stoppingToken), stoppingToken).ConfigureAwait(false);
        } while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    /// <summary>One round of all jobs, none of which keeps the others from being done.</summary>
    /// <returns>Whether there may be more to compact: one span takes minutes, and hours are to be closed in between.</returns>
    public async Task<bool> RunOnceAsync(CancellationToken cancellationToken)
    {
        var compacted = 0;
        await TryAsync(() => MakePartitionsAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        await TryAsync(() => rollups.RunAsync(int.MaxValue, cancellationToken), cancellationToken).ConfigureAwait(false);
        await TryAsync(
                async () => compacted = await compactor.CompactAsync(most: 1, cancellationToken).ConfigureAwait(false),
                cancellationToken
            )
            .ConfigureAwait(false);
        await TryAsync(() => RunRetentionAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        return compacted > 0;
    }

    private async Task RunWhileHeldAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        await database.ReadyAsync(cancellationToken).ConfigureAwait(false);
        var held = await SessionLock.TryTakeAsync(database, SessionLock.Jobs, cancellationToken).ConfigureAwait(false);
        if (held is null)
            return;
        await using var disposeHeld = held.ConfigureAwait(false);
        logger.JobsTaken();
        while (true)
        {
            // Throws if the session has ended, and the lock with it; or gives the lock away, for a host whose clock is right.
            await clock.GetUtcNowAsync(held.Connection, cancellationToken).ConfigureAwait(false);
            if (!await RunOnceAsync(cancellationToken).ConfigureAwait(false))
                await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    // Whatever it was, what is left to do is still marked, and the host goes on.
    private async Task TryAsync(Func<Task> job, CancellationToken cancellationToken)
    {
        try
        {
            await job().ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.JobFailed(e);
        }
    }

    private async Task RunRetentionAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (now < _retentionDue)
            return;
        await retention.RunAsync(dryRun: false, progress: null, cancellationToken).ConfigureAwait(false);
        _retentionDue = now + RetentionPeriod;
    }

    // So that no write has to make its own.
    private async Task MakePartitionsAsync(CancellationToken cancellationToken)
    {
        var connection = await database.Jobs.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeConnection = connection.ConfigureAwait(false);
        var command = new NpgsqlCommand(
            """
            select iiot_data.ensure_partition($1::timestamptz + n * s.partition_width)
            from iiot_data.telemetry_state s, generate_series(0, $2) n
            """,
            connection
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Time(await clock.GetUtcNowAsync(connection, cancellationToken).ConfigureAwait(false)));
        command.Parameters.Add(Parameter.Number(PeriodsAhead));
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }
}
