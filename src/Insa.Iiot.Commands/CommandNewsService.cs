using Insa.Iiot.Commands.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Commands;

/// <summary>Hears of other hosts' commands, as often as its options say.</summary>
internal sealed class CommandNewsService(
    CommandNews news,
    TimeProvider time,
    IOptions<CommandOptions> options,
    ILogger<CommandNewsService> logger
) : BackgroundService
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromMinutes(1);

    private readonly PeriodicTimer _timer = new(options.Value.PollInterval, time);

    public override void Dispose()
    {
        base.Dispose();
        _timer.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var sweptAt = time.GetTimestamp();
        var isFailing = false;
        while (await WaitAsync(_timer, stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await news.HearAsync(stoppingToken).ConfigureAwait(false);
                if (time.GetElapsedTime(sweptAt) >= SweepInterval)
                {
                    sweptAt = time.GetTimestamp();
                    await news.SweepAsync(stoppingToken).ConfigureAwait(false);
                }

                isFailing = false;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Told once: a store that is away is away for many turns.
                if (!isFailing)
                    logger.PollFailed(e, _timer.Period);
                isFailing = true;
            }
        }
    }

    private static async ValueTask<bool> WaitAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
