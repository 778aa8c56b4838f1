using Insa.Iiot.Storage.Postgres.Diagnostics;
using Insa.Iiot.Storage.Postgres.Retention;
using Insa.Iiot.Storage.Postgres.Rollups;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>Does what must be done by one host of a cluster, one thing after the other: partitions ahead, rollups, compaction, retention.</summary>
/// <remarks>Whose connection holds the advisory lock is that host; when it is gone another takes over within a minute.</remarks>
internal sealed class JobService(
    PostgresDatabase database,
    RollupJob rollups,
    Compactor compactor,
    RetentionRun retention,
    IOptions<PostgresStorageOptions> options,
    TimeProvider time,
    ILogger<JobService> logger
) : BackgroundService
{
    private const long Lock = 7461204;
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
            try
            {
                await RunWhileHeldAsync(timer, stoppingToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it was, what is left to do is still marked, and the host goes on.
                logger.JobFailed(e);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    /// <summary>One round of all jobs.</summary>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        await MakePartitionsAsync(cancellationToken).ConfigureAwait(false);
        await rollups.RunAsync(int.MaxValue, cancellationToken).ConfigureAwait(false);
        await compactor.CompactAsync(cancellationToken).ConfigureAwait(false);
        var now = time.GetUtcNow();
        if (now >= _retentionDue)
        {
            await retention.RunAsync(dryRun: false, progress: null, cancellationToken).ConfigureAwait(false);
            _retentionDue = now + RetentionPeriod;
        }
    }

    private async Task RunWhileHeldAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        await database.ReadyAsync(cancellationToken).ConfigureAwait(false);
        var holder = await database.Jobs.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeHolder = holder.ConfigureAwait(false);
        if (!await IsHeldAsync(holder, $"select pg_try_advisory_lock({Lock})", cancellationToken).ConfigureAwait(false))
            return;
        logger.JobsTaken();
        do
        {
            await RunOnceAsync(cancellationToken).ConfigureAwait(false);
        } while (
            await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false)
            && await IsHeldAsync(holder, "select true", cancellationToken).ConfigureAwait(false)
        );
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
        command.Parameters.Add(Parameter.Time(time.GetUtcNow().UtcDateTime));
        command.Parameters.Add(Parameter.Number(PeriodsAhead));
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    // Asked on the connection itself: if it is lost, so is the lock.
    private static async Task<bool> IsHeldAsync(NpgsqlConnection holder, string sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, holder);
        await using var disposeCommand = command.ConfigureAwait(false);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }
}
