using Microsoft.Extensions.Options;

namespace Insa.Iiot.Ingestion.Pipeline;

/// <summary>How long to pause before a failed write is tried again: doubling, with jitter, up to a limit.</summary>
internal sealed class RetryPolicy(IOptions<IngestionOptions> options, TimeProvider time)
{
    public Task DelayAsync(int failures, CancellationToken cancellationToken)
    {
        var ticks = Math.Min(options.Value.MaxRetryDelay.Ticks, options.Value.RetryDelay.Ticks * Math.Pow(2, Math.Min(failures - 1, 30)));

        // Half fixed, half random, so that hosts that lost one database do not all come back at once.
        var jittered = (ticks / 2) + (Random.Shared.NextDouble() * ticks / 2);
        return Task.Delay(TimeSpan.FromTicks((long)jittered), time, cancellationToken);
    }
}
