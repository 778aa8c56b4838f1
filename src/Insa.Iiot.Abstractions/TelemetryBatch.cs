namespace Insa.Iiot;

/// <summary>What a sink commits as one: chunks of one or several tenants.</summary>
/// <remarks>The chunks are pooled: keep nothing of them after the call that was given the batch.</remarks>
public sealed class TelemetryBatch
{
    private readonly List<TelemetryChunk> _chunks = [];

    /// <summary>The chunks, each of one tenant; a tenant may have several, in the order they were filled.</summary>
    public IReadOnlyList<TelemetryChunk> Chunks => _chunks;

    /// <summary>How many frames all chunks hold.</summary>
    public int FrameCount { get; private set; }

    /// <summary>How many values all chunks hold.</summary>
    public int ValueCount { get; private set; }

    /// <summary>Adds a filled chunk.</summary>
    public void Add(TelemetryChunk chunk)
    {
        ArgumentNullException.ThrowIfNull(chunk);
        _chunks.Add(chunk);
        FrameCount += chunk.FrameCount;
        ValueCount += chunk.ValueCount;
    }

    /// <summary>Removes all chunks, so that the batch can be filled again.</summary>
    public void Clear()
    {
        _chunks.Clear();
        FrameCount = 0;
        ValueCount = 0;
    }
}
