namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>What one write needs, kept for the next.</summary>
internal sealed class SinkWork : IDisposable
{
    public FrameRun Run { get; } = new();

    public CopyBuffer Copy { get; } = new();

    public MergeArguments Merge { get; } = new();

    public void Dispose()
    {
        Run.Dispose();
        Copy.Dispose();
        Merge.Dispose();
    }
}
