using System.Threading.Channels;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Ingestion.Pipeline;

/// <summary>Gives writers the next batch: lanes in turn, each with the same number of frames a round (deficit round robin).</summary>
internal sealed class LaneScheduler(IOptions<IngestionOptions> options)
{
    // A lane's share per turn. As large as a common chunk, so that every turn can take one.
    private const int Quantum = ChunkPool.FramesPerChunk;

    private readonly int _maxBatchFrames = options.Value.MaxBatchFrames;
    private readonly Lock _sync = new();
    private readonly Queue<Lane> _lanes = new();
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    /// <summary>Says that a lane has something to write.</summary>
    public void Schedule(Lane lane)
    {
        lock (_sync)
            _lanes.Enqueue(lane);
        _signal.Writer.TryWrite(true);
    }

    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _signal.Reader.ReadAsync(cancellationToken);

    /// <summary>Fills a batch with what waits, up to the limit.</summary>
    public void Take(List<LaneChunk> batch)
    {
        var frames = 0;
        while (frames < _maxBatchFrames && TryNext(out var lane))
        {
            bool more;
            lock (lane.Sync)
            {
                lane.Deficit += Quantum;
                while (frames < _maxBatchFrames && lane.Take(lane.Deficit) is { } chunk)
                {
                    lane.Deficit -= chunk.Chunk.FrameCount;
                    frames += chunk.Chunk.FrameCount;
                    batch.Add(chunk);
                }

                more = !lane.IsEmpty;
                if (!more)
                {
                    lane.DropEmptyOpen();
                    lane.IsScheduled = false;
                    lane.Deficit = 0;
                }
            }

            if (more)
                Schedule(lane);
        }
    }

    private bool TryNext(out Lane lane)
    {
        lock (_sync)
            return _lanes.TryDequeue(out lane!);
    }
}
