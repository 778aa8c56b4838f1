namespace Insa.Iiot.Ingestion.Pipeline;

/// <summary>One tenant's bounded queue of chunks: decoding fills its open chunk, the scheduler takes its oldest.</summary>
/// <remarks>Everything is guarded by <see cref="Sync"/>, which only this tenant's own connections and the scheduler contend for.</remarks>
internal sealed class Lane(TenantId tenant, IngestionOptions options, ChunkPool pool)
{
    private readonly Queue<LaneChunk> _sealed = new();
    private LaneChunk? _open;
    private long _waitingFrames;
    private long _waitingBytes;
    private TaskCompletionSource? _room;

    public TenantId Tenant { get; } = tenant;

    public Lock Sync { get; } = new();

    public TelemetryFrameWriter Writer { get; } = new(options.Limits);

    public LaneLedger Ledger { get; } = new();

    /// <summary>Whether the scheduler knows that the lane has something. Guarded by <see cref="Sync"/>.</summary>
    public bool IsScheduled { get; set; }

    /// <summary>Frames the lane may still send in this turn (deficit round robin). Guarded by <see cref="Sync"/>.</summary>
    public int Deficit { get; set; }

    public bool IsFull => _waitingFrames >= options.MaxLaneFrames || _waitingBytes >= options.MaxLaneBytes;

    public bool IsEmpty => _sealed.Count == 0 && _open is null;

    /// <summary>The chunk to decode into; call under <see cref="Sync"/>.</summary>
    public LaneChunk Open => _open ??= pool.Rent(this);

    /// <summary>Seals the open chunk and opens one of at least <paramref name="frameCapacity"/>.</summary>
    public LaneChunk Renew(int frameCapacity)
    {
        if (_open is not null)
        {
            if (_open.MessageCount > 0)
                _sealed.Enqueue(_open);
            else
                pool.Return(_open);
        }

        return _open = pool.Rent(this, Math.Max(frameCapacity, ChunkPool.FramesPerChunk));
    }

    /// <summary>Gives an open chunk back that no message went into.</summary>
    public void DropEmptyOpen()
    {
        if (_open is { MessageCount: 0 } empty)
        {
            _open = null;
            pool.Return(empty);
        }
    }

    public void Added(int frames, long bytes)
    {
        _waitingFrames += frames;
        _waitingBytes += bytes;
        Ledger.Received++;
        Ledger.InFlight++;
    }

    /// <summary>Takes the oldest chunk if its frames are within <paramref name="most"/>.</summary>
    public LaneChunk? Take(int most)
    {
        if (_sealed.TryPeek(out var oldest))
            return oldest.Chunk.FrameCount <= most ? _sealed.Dequeue() : null;
        if (_open is not { MessageCount: > 0 } open || open.Chunk.FrameCount > most)
            return null;
        _open = null;
        return open;
    }

    /// <summary>Makes room when a chunk has been committed or given up.</summary>
    public void Released(LaneChunk chunk)
    {
        TaskCompletionSource? room = null;
        lock (Sync)
        {
            _waitingFrames -= chunk.Chunk.FrameCount;
            _waitingBytes -= chunk.Chunk.SizeBytes;
            Ledger.InFlight -= chunk.MessageCount;
            if (!IsFull)
                (room, _room) = (_room, null);
        }

        room?.TrySetResult();
    }

    public Task WhenRoom()
    {
        lock (Sync)
        {
            if (!IsFull)
                return Task.CompletedTask;
            _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _room.Task;
        }
    }
}
