namespace Insa.Iiot.Tenancy.Audit;

/// <summary>What somebody waits for: an entry that is to be written, or, without one, a checkpoint that is to be signed.</summary>
internal sealed class AuditWrite(AuditRecord? entry)
{
    private readonly TaskCompletionSource<bool> _turn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The entry; with its place once it is written.</summary>
    public AuditRecord? Entry { get; set; } = entry;

    public bool IsCheckpoint => Entry is null;

    /// <summary>The checkpoint that was asked for.</summary>
    public AuditCheckpoint? Checkpoint { get; set; }

    /// <summary>Whether it is this one's turn to write for all who wait; otherwise it was written.</summary>
    public Task<bool> Turn => _turn.Task;

    public void Lead() => _turn.TrySetResult(true);

    public void Complete() => _turn.TrySetResult(false);

    public void Fail(Exception exception) => _turn.TrySetException(exception);

    public void Cancel(CancellationToken cancellationToken) => _turn.TrySetCanceled(cancellationToken);
}
