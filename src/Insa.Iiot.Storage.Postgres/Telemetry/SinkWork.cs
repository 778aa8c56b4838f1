namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>What one write needs, kept for the next.</summary>
internal sealed class SinkWork : IDisposable
{
    public FrameRun Run { get; } = new();

    public CopyBuffer Copy { get; } = new();

    public MergeArguments Merge { get; } = new();

    /// <summary>The first hours of the partitions that the run's frames go to.</summary>
    public HashSet<long> Partitions { get; } = [];

    public void Dispose()
    {
        Run.Dispose();
        Copy.Dispose();
        Merge.Dispose();
    }
}
