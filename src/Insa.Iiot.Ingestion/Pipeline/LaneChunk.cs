namespace Insa.Iiot.Ingestion.Pipeline;

/// <summary>A chunk on its way from a lane to the sink, with the completion that all of its messages share.</summary>
internal sealed class LaneChunk(int frameCapacity)
{
    private readonly int[] _messageEnds = new int[frameCapacity];

    public TelemetryChunk Chunk { get; } = new(frameCapacity);

    /// <summary>Completes when the chunk is durable. Continuations run elsewhere: the committing thread goes on to the next batch.</summary>
    public TaskCompletionSource<CommitResult> Completion { get; private set; } = null!;

    public Lane Lane { get; private set; } = null!;

    public int MessageCount { get; private set; }

    /// <summary>Whether the sink has it, but for what it rejected of it.</summary>
    public bool IsStored { get; set; }

    public void Open(Lane lane)
    {
        Lane = lane;
        MessageCount = 0;
        IsStored = false;
        Chunk.Reset(lane.Tenant);
        Completion = new TaskCompletionSource<CommitResult>(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public void EndMessage() => _messageEnds[MessageCount++] = Chunk.FrameCount;

    /// <summary>How many messages have a frame that the store refused, by the first such frame's reason.</summary>
    public void CountRejections(Span<long> messagesByReason)
    {
        var frame = 0;
        for (var message = 0; message < MessageCount; message++)
        {
            var reason = IngestReason.None;
            for (; frame < _messageEnds[message]; frame++)
            {
                if (reason == IngestReason.None)
                    reason = Chunk.RejectionOf(frame);
            }

            messagesByReason[(int)reason]++;
        }
    }
}
