namespace Insa.Iiot;

/// <summary>What became of a chunk: all of it durable, or some frames refused by the store.</summary>
public sealed class CommitResult
{
    private readonly IngestReason[]? _reasons;
    private readonly IngestReason _all;

    private CommitResult(IngestReason all, IngestReason[]? reasons, bool isKept) =>
        (_all, _reasons, IsRefusedKept) = (all, reasons, isKept);

    /// <summary>Every frame is durable and queryable.</summary>
    public static CommitResult Committed { get; } = new(IngestReason.None, null, isKept: true);

    /// <summary>Whether what was refused is durable as dead letters.</summary>
    public bool IsRefusedKept { get; }

    /// <summary>No frame was stored.</summary>
    public static CommitResult Failed(IngestReason reason, bool isKept) => new(reason, null, isKept);

    /// <summary>Some frames were refused: one reason per frame of the chunk.</summary>
    public static CommitResult Partial(IngestReason[] reasons, bool isKept)
    {
        ArgumentNullException.ThrowIfNull(reasons);
        return new(IngestReason.None, reasons, isKept);
    }

    internal IngestReason ReasonFor(int firstFrame, int frameCount)
    {
        if (_reasons is null)
            return _all;
        for (var i = firstFrame; i < firstFrame + frameCount; i++)
        {
            if (_reasons[i] != IngestReason.None)
                return _reasons[i];
        }

        return IngestReason.None;
    }
}
