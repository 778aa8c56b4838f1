namespace Insa.Iiot.Tenancy.Audit;

/// <summary>
/// Adds to one log. Whoever comes while nobody is writing writes, for himself and for those who wait with him, in one commit; who came meanwhile
/// wait, and the first of them is next. So there is one commit of this process at a time, however many append.
/// </summary>
internal sealed class AuditWriter(AuditStore store, AuditKeys keys, TimeProvider time, int checkpointInterval)
{
    private const int MaxBatch = 128;
    private const int MaxWaiting = 1024;

    // Every attempt that is lost was another host's commit: of a host that writes without end there may be many before it makes a gap.
    private const int Attempts = 1000;

    // Who has just written knows the head, and would be first again for as long as it has anything to write: other hosts get a gap now and then.
    private static readonly TimeSpan Stint = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly LinkedList<AuditWrite> _waiting = [];
    private readonly SemaphoreSlim _room = new(MaxWaiting);
    private bool _isWriting;
    private long _stintFrom;

    // As this process left it; used by whoever's turn it is.
    private ControlRecord? _head;

    /// <summary>Writes. Cancelling ends the wait for a turn, and then nothing is written; not a commit that has begun.</summary>
    public async ValueTask WriteAsync(AuditWrite write, CancellationToken cancellationToken)
    {
        await _room.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (await TakeTurnAsync(write, cancellationToken).ConfigureAwait(false))
                await LeadAsync(write).ConfigureAwait(false);
        }
        finally
        {
            _room.Release();
        }
    }

    private async ValueTask<bool> TakeTurnAsync(AuditWrite write, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_isWriting)
            {
                _isWriting = true;
                _stintFrom = time.GetTimestamp();
                return true;
            }

            _waiting.AddLast(write);
        }

        var registration = cancellationToken.Register(() => Leave(write, cancellationToken));
        await using var disposeRegistration = registration.ConfigureAwait(false);
        return await write.Turn.ConfigureAwait(false);
    }

    private void Leave(AuditWrite write, CancellationToken cancellationToken)
    {
        bool isWaiting;
        lock (_gate)
            isWaiting = _waiting.Remove(write);
        if (isWaiting)
            write.Cancel(cancellationToken);
    }

    private async Task LeadAsync(AuditWrite leader)
    {
        var batch = new List<AuditWrite> { leader };
        try
        {
            lock (_gate)
            {
                while (batch.Count < MaxBatch && _waiting.First is { } next)
                {
                    _waiting.RemoveFirst();
                    batch.Add(next.Value);
                }
            }

            var from = time.GetTimestamp();
            await WriteAsync(batch).ConfigureAwait(false);
            batch.ForEach(write => write.Complete());
            if (time.GetElapsedTime(_stintFrom) >= Stint)
                await MakeGapAsync(time.GetElapsedTime(from)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            batch.Skip(1).ToList().ForEach(write => write.Fail(e));
            throw;
        }
        finally
        {
            HandOver();
        }
    }

    // Long enough for another host to read the head and to commit.
    private async Task MakeGapAsync(TimeSpan commit)
    {
        bool isAnybodyNext;
        lock (_gate)
            isAnybodyNext = _waiting.Count > 0;
        if (isAnybodyNext)
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Clamp(2 * commit.TotalMilliseconds, 5, 100)), time).ConfigureAwait(false);
        _stintFrom = time.GetTimestamp();
    }

    private void HandOver()
    {
        AuditWrite? next;
        lock (_gate)
        {
            next = _waiting.First?.Value;
            if (next is null)
                _isWriting = false;
            else
                _waiting.RemoveFirst();
        }

        next?.Lead();
    }

    private async Task WriteAsync(List<AuditWrite> batch)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            // A checkpoint that is asked for is of what all hosts have written.
            var seen = batch.Exists(write => write.IsCheckpoint) ? null : _head;
            _head = null;
            seen ??= await store.FindHeadAsync(CancellationToken.None).ConfigureAwait(false);
            if (await TryWriteAsync(batch, seen).ConfigureAwait(false) is not { } head)
                continue;
            _head = head;
            return;
        }

        throw new TelemetryStoreException(
            "Other hosts write to the audit log all the time, or its head is not of its entries: try again, then look at it.",
            isTransient: true
        );
    }

    /// <returns>The new head; <see langword="null"/> if another host was faster.</returns>
    private async Task<ControlRecord?> TryWriteAsync(List<AuditWrite> batch, ControlRecord? seen)
    {
        var head = seen is null ? AuditHeadRecord.Empty : AuditJson.Read<AuditHeadRecord>(seen);
        var tree = new MerkleFrontier(head.Size, head.Peaks);
        var changes = new List<ControlChange>();
        var entries = Place(batch, tree, changes);
        var isAsked = batch.Exists(write => write.IsCheckpoint);
        if (isAsked && seen is not null && head.Checkpoint == tree.Size)
        {
            SetCheckpoint(batch, await store.GetCheckpointAsync(tree.Size, CancellationToken.None).ConfigureAwait(false));
            return seen;
        }

        AuditCheckpoint? checkpoint = null;
        if (isAsked || tree.Size / checkpointInterval > Math.Max(head.Checkpoint, 0) / checkpointInterval)
        {
            checkpoint = await SignAsync(tree, changes).ConfigureAwait(false);
            changes.Add(store.InsertCheckpoint(checkpoint));
        }

        var (change, record) = store.PutHead(seen, new AuditHeadRecord(tree.Size, [.. tree.Peaks], checkpoint?.Size ?? head.Checkpoint));
        changes.Add(change);
        var result = await store.CommitAsync(changes).ConfigureAwait(false);
        if (result.Outcome != ControlOutcome.Done)
            return null;
        foreach (var (write, entry) in entries)
            write.Entry = entry;
        SetCheckpoint(batch, checkpoint);
        return record;
    }

    private List<(AuditWrite Write, AuditRecord Entry)> Place(List<AuditWrite> batch, MerkleFrontier tree, List<ControlChange> changes)
    {
        var entries = new List<(AuditWrite, AuditRecord)>();
        foreach (var write in batch.Where(write => !write.IsCheckpoint))
        {
            var entry = write.Entry!.At(store.Origin, tree.Size + 1);
            entries.Add((write, entry));
            changes.Add(store.InsertEntry(entry));
            tree.Append(
                entry.Leaf,
                (level, index, hash) =>
                {
                    if (level % AuditStore.NodeLevels == 0)
                        changes.Add(store.InsertNode(level, index, hash));
                }
            );
        }

        return entries;
    }

    private async Task<AuditCheckpoint> SignAsync(MerkleFrontier tree, List<ControlChange> changes)
    {
        var current = await keys.GetCurrentAsync(CancellationToken.None).ConfigureAwait(false);
        changes.Add(ControlChange.Expect(current));
        var body = AuditJson.Read<AuditKeyRecord>(current);
        using var key = AuditKeys.Open(body);
        return AuditCheckpoint.Sign(store.Origin, tree.Size, tree.GetRoot(), time.GetUtcNow().UtcDateTime, body.Public.Id, key);
    }

    private static void SetCheckpoint(List<AuditWrite> batch, AuditCheckpoint? checkpoint)
    {
        foreach (var write in batch.Where(write => write.IsCheckpoint))
            write.Checkpoint = checkpoint;
    }
}
