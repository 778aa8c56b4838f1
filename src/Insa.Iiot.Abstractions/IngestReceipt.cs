namespace Insa.Iiot;

/// <summary>The ingress's answer to one message, and the commit it shares with its batch.</summary>
public readonly struct IngestReceipt
{
    private readonly int _firstFrame;
    private readonly int _frameCount;

    private IngestReceipt(
        IngestStatus status,
        IngestReason reason,
        TimeSpan retryAfter,
        Task<CommitResult>? commit,
        int firstFrame,
        int frameCount
    )
    {
        Status = status;
        Reason = reason;
        RetryAfter = retryAfter;
        Commit = commit;
        _firstFrame = firstFrame;
        _frameCount = frameCount;
    }

    /// <summary>What was done with the message.</summary>
    public IngestStatus Status { get; }

    /// <summary>Why it was not taken; <see cref="IngestReason.None"/> when it was.</summary>
    public IngestReason Reason { get; }

    /// <summary>When a throttled device may try again; zero when unknown.</summary>
    public TimeSpan RetryAfter { get; }

    /// <summary>
    /// For an accepted message: completes, never faulted, when the batch is durable and queryable; then ask <see cref="Settle"/>.
    /// For a rejected one: completes when its dead letter is durable, or <see langword="null"/> if none is kept.
    /// Shared by all messages of a batch: awaiting it costs nothing per message.
    /// </summary>
    public Task<CommitResult>? Commit { get; }

    /// <summary>The answer for a message that awaits its commit.</summary>
    public static IngestReceipt Accepted(Task<CommitResult> commit, int firstFrame, int frameCount)
    {
        ArgumentNullException.ThrowIfNull(commit);
        return new(IngestStatus.Accepted, IngestReason.None, default, commit, firstFrame, frameCount);
    }

    /// <summary>The answer when there is no room.</summary>
    public static IngestReceipt Busy(IngestReason reason = IngestReason.LaneFull) => new(IngestStatus.Busy, reason, default, null, 0, 0);

    /// <summary>The answer for a quota or a rate.</summary>
    public static IngestReceipt Throttled(IngestReason reason, TimeSpan retryAfter) =>
        new(IngestStatus.Throttled, reason, retryAfter, null, 0, 0);

    /// <summary>The answer for a message that is refused; <paramref name="deadLetter"/> completes when its bytes are kept.</summary>
    public static IngestReceipt Rejected(IngestReason reason, Task<CommitResult>? deadLetter = null) =>
        new(IngestStatus.Rejected, reason, default, deadLetter, 0, 0);

    /// <summary>What became of the message once <see cref="Commit"/> has completed.</summary>
    /// <returns><see cref="IngestReason.None"/> if all of it is durable and queryable.</returns>
    public IngestReason Settle(CommitResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return Status == IngestStatus.Accepted ? result.ReasonFor(_firstFrame, _frameCount) : Reason;
    }

    /// <summary>
    /// Whether a refused message is durable as a dead letter, once <see cref="Commit"/> has completed. A protocol that cannot refuse a
    /// message may acknowledge it then, and must not otherwise.
    /// </summary>
    public bool IsDeadLettered(CommitResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return Commit is not null && result.IsRefusedKept;
    }
}
