namespace Insa.Iiot.Ingestion.Pipeline;

/// <summary>Keeps a bounded number of chunks for reuse. Thread-safe.</summary>
internal sealed class ChunkPool
{
    /// <summary>Large enough that a write is rarely limited by it, small enough that an idle tenant's only chunk is some 40 KiB.</summary>
    public const int FramesPerChunk = 1024;

    private const int MaxKept = 128;

    private readonly Lock _sync = new();
    private readonly Stack<LaneChunk> _kept = new(MaxKept);

    public LaneChunk Rent(Lane lane, int frameCapacity = FramesPerChunk)
    {
        LaneChunk? chunk = null;
        if (frameCapacity == FramesPerChunk)
        {
            lock (_sync)
                _kept.TryPop(out chunk);
        }

        chunk ??= new LaneChunk(frameCapacity);
        chunk.Open(lane);
        return chunk;
    }

    public void Return(LaneChunk chunk)
    {
        if (chunk.Chunk.FrameCapacity == FramesPerChunk)
        {
            lock (_sync)
            {
                if (_kept.Count < MaxKept)
                {
                    _kept.Push(chunk);
                    return;
                }
            }
        }

        chunk.Chunk.Dispose();
    }
}
