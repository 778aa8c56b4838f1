using Microsoft.Extensions.Options;

namespace Insa.Iiot.Ingestion;

/// <summary>Reports every option that is out of range.</summary>
internal sealed class IngestionOptionsValidator : IValidateOptions<IngestionOptions>
{
    public ValidateOptionsResult Validate(string? name, IngestionOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        Check(result, nameof(options.MaxLaneFrames), options.MaxLaneFrames, 1024, 16_777_216);
        Check(result, nameof(options.MaxLaneBytes), options.MaxLaneBytes, 1024 * 1024, long.MaxValue);
        Check(result, nameof(options.MaxBatchFrames), options.MaxBatchFrames, 1, 1_048_576);
        Check(result, nameof(options.SinkConcurrency), options.SinkConcurrency, 1, 64);
        Check(result, nameof(options.RetryDelay), options.RetryDelay, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        Check(result, nameof(options.MaxRetryDelay), options.MaxRetryDelay, options.RetryDelay, TimeSpan.FromMinutes(10));
        Check(result, nameof(options.MaxPendingDeadLetterBytes), options.MaxPendingDeadLetterBytes, 0, 1024 * 1024 * 1024);
        Check(result, nameof(options.MaxObserverBacklog), options.MaxObserverBacklog, 1, 1024);
        Check(result, nameof(options.MaxTenantsInMetrics), options.MaxTenantsInMetrics, 0, 100_000);

        var limits = options.Limits;
        Check(result, "Limits.MaxMessageBytes", limits.MaxMessageBytes, 1, 16 * 1024 * 1024);
        Check(result, "Limits.MaxMetricsPerFrame", limits.MaxMetricsPerFrame, 1, 16_384);
        Check(result, "Limits.MaxLayoutNodesPerTenant", limits.MaxLayoutNodesPerTenant, 16, 16_777_216);
        Check(result, "Limits.MaxAge", limits.MaxAge, TimeSpan.Zero, TimeSpan.FromDays(365_000));
        Check(result, "Limits.MaxAhead", limits.MaxAhead, TimeSpan.Zero, TimeSpan.FromDays(365_000));
        return result.Build();
    }

    private static void Check<T>(ValidateOptionsResultBuilder result, string name, T value, T least, T most)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            result.AddError($"must be from {least} to {most}, not {value}.", name);
    }
}
