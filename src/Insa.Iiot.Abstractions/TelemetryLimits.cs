namespace Insa.Iiot;

/// <summary>What ingestion takes in one message. Beyond it a message is refused with a reason of its own.</summary>
public sealed class TelemetryLimits
{
    /// <summary>The longest metric name, in bytes of UTF-8.</summary>
    public const int MaxNameBytes = 128;

    /// <summary>The deepest nesting of a payload. Not an option: decoders keep their path on the stack.</summary>
    public const int MaxDepth = 8;

    /// <summary>The largest message, in bytes. Default 256 KiB; 1 byte to 16 MiB.</summary>
    public int MaxMessageBytes { get; set; } = 256 * 1024;

    /// <summary>The most metrics in one frame. Default 1,024; 1 to 16,384.</summary>
    public int MaxMetricsPerFrame { get; set; } = 1024;

    /// <summary>How far back of its arrival a timestamp may lie. Default 10 years (3,653 days).</summary>
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(3653);

    /// <summary>How far ahead of its arrival a timestamp may lie. Default 5 minutes.</summary>
    public TimeSpan MaxAhead { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>The most distinct (layout prefix, metric) pairs kept per tenant. Default 65,536; 16 to 16,777,216.</summary>
    public int MaxLayoutNodesPerTenant { get; set; } = 65_536;
}
