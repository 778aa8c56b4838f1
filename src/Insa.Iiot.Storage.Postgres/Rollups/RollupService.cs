using Insa.Iiot.Storage.Postgres.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Runs the rollups every minute.</summary>
internal sealed class RollupService(RollupJob job, TimeProvider time, ILogger<RollupService> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await job.RunAsync(int.MaxValue, stoppingToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it was, the work is still marked, and the host goes on.
                logger.RollupFailed(e);
            }
        }
    }
}
