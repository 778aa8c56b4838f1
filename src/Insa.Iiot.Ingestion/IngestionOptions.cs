namespace Insa.Iiot.Ingestion;

/// <summary>How the ingestion pipeline takes, batches and bounds telemetry. Checked when the host starts.</summary>
public sealed class IngestionOptions
{
    /// <summary>What one message may hold.</summary>
    public TelemetryLimits Limits { get; } = new();

    /// <summary>The most frames of one tenant that may wait for their commit. Default 65,536; 1,024 to 16,777,216. Beyond it the tenant's connections are held back.</summary>
    public int MaxLaneFrames { get; set; } = 65_536;

    /// <summary>The most bytes of one tenant's values that may wait for their commit. Default 32 MiB; at least 1 MiB.</summary>
    public long MaxLaneBytes { get; set; } = 32 * 1024 * 1024;

    /// <summary>The most frames in one write. Default 8,192; 1 to 1,048,576. Smaller means less delay for other tenants under a flood, larger means more throughput.</summary>
    public int MaxBatchFrames { get; set; } = 8192;

    /// <summary>How many writes are in flight at most, unless the sink takes fewer. Default 2; 1 to 64.</summary>
    public int SinkConcurrency { get; set; } = 2;

    /// <summary>The first pause before a failed write is tried again; it doubles with each failure. Default 50 ms; 1 ms to 1 minute.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest pause before a failed write is tried again. Default 5 s; from <see cref="RetryDelay"/> to 10 minutes.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The most bytes of one tenant's dead letters that may wait to be written. Default 1 MiB; 0 to 1 GiB. Beyond it bad messages are refused and not kept.</summary>
    public int MaxPendingDeadLetterBytes { get; set; } = 1024 * 1024;

    /// <summary>The most batches that may wait for observers. Default 16; 1 to 1,024. Beyond it observers miss batches, which is counted.</summary>
    public int MaxObserverBacklog { get; set; } = 16;

    /// <summary>The most tenants that metrics name; all others are counted as one. Default 100; 0 to 100,000.</summary>
    public int MaxTenantsInMetrics { get; set; } = 100;
}
