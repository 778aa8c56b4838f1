using System.Globalization;
using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Audit;

/// <summary>A log's records.</summary>
internal sealed class AuditStore(IControlStore store, ControlScope log)
{
    /// <summary>Only subtrees whose level is a multiple of this have a record.</summary>
    public const int NodeLevels = 8;

    private const string HeadId = "head";

    // Numbers of as many digits are ordered as numbers.
    public static string IdOf(long number) => number.ToString("D19", CultureInfo.InvariantCulture);

    public string Origin { get; } = AuditEncoding.OriginOf(log);

    public ValueTask<ControlResult> CommitAsync(IReadOnlyList<ControlChange> changes) => store.CommitAsync(changes, CancellationToken.None);

    public ValueTask<ControlRecord?> FindHeadAsync(CancellationToken cancellationToken) =>
        store.FindAsync(log, RecordKinds.AuditHead, HeadId, cancellationToken);

    public async ValueTask<long> ReadSizeAsync(CancellationToken cancellationToken)
    {
        var head = await FindHeadAsync(cancellationToken).ConfigureAwait(false);
        return head is null ? 0 : AuditJson.Read<AuditHeadRecord>(head).Size;
    }

    public ValueTask<ControlRecord?> FindEntryAsync(long sequence, CancellationToken cancellationToken) =>
        store.FindAsync(log, RecordKinds.Audit, IdOf(sequence), cancellationToken);

    public async ValueTask<List<AuditRecord>> ListEntriesAsync(long after, int limit, CancellationToken cancellationToken)
    {
        var records = await store.ListAsync(log, RecordKinds.Audit, IdOf(after), limit, cancellationToken).ConfigureAwait(false);
        return [.. records.Select(AuditJson.Read<AuditRecord>)];
    }

    /// <summary>Lists checkpoints by size, beginning after one.</summary>
    public async ValueTask<List<AuditCheckpoint>> ListCheckpointsAsync(long after, int limit, CancellationToken cancellationToken)
    {
        var afterId = after < 0 ? null : IdOf(after);
        var records = await store.ListAsync(log, RecordKinds.AuditCheckpoint, afterId, limit, cancellationToken).ConfigureAwait(false);
        return [.. records.Select(ToCheckpoint)];
    }

    public async ValueTask<AuditCheckpoint> GetCheckpointAsync(long size, CancellationToken cancellationToken) =>
        await store.FindAsync(log, RecordKinds.AuditCheckpoint, IdOf(size), cancellationToken).ConfigureAwait(false) is { } record
            ? ToCheckpoint(record)
            : throw AuditJson.Damaged($"The checkpoint of size {size} of {Origin} is gone.");

    /// <summary>Reads the roots of neighbouring subtrees of a level that has records; 0 is that of the leaves.</summary>
    public async ValueTask<List<byte[]>> ReadHashesAsync(int level, long start, int count, CancellationToken cancellationToken)
    {
        // The first record of a level has the number 1, so this is the one before the first that is wanted.
        var kind = level == 0 ? RecordKinds.Audit : NodeKindOf(level);
        var records = await store.ListAsync(log, kind, IdOf(start), count, cancellationToken).ConfigureAwait(false);
        if (records.Count != count || records[^1].Id != IdOf(start + count))
            throw AuditJson.Damaged($"Records of the tree of {Origin} are gone.");
        return
        [
            .. records.Select(record =>
                level == 0 ? AuditJson.Read<AuditRecord>(record).Leaf : AuditJson.Read<AuditNodeRecord>(record).Hash
            ),
        ];
    }

    public ControlChange InsertEntry(AuditRecord entry) =>
        ControlChange.Insert(log, RecordKinds.Audit, IdOf(entry.Sequence), AuditJson.Write(entry));

    public ControlChange InsertNode(int level, long index, byte[] hash) =>
        ControlChange.Insert(log, NodeKindOf(level), IdOf(index + 1), AuditJson.Write(new AuditNodeRecord(hash)));

    public ControlChange InsertCheckpoint(AuditCheckpoint checkpoint) =>
        ControlChange.Insert(
            log,
            RecordKinds.AuditCheckpoint,
            IdOf(checkpoint.Size),
            AuditJson.Write(new AuditCheckpointRecord(checkpoint.ToString()))
        );

    /// <summary>The change of a log's head, and the record that it makes.</summary>
    public (ControlChange Change, ControlRecord Record) PutHead(ControlRecord? seen, AuditHeadRecord head)
    {
        var body = AuditJson.Write(head);
        var record = new ControlRecord(log, RecordKinds.AuditHead, HeadId, (seen?.Version ?? 0) + 1, body);
        return (seen is null ? ControlChange.Insert(log, record.Kind, HeadId, body) : ControlChange.Replace(seen, body), record);
    }

    private static string NodeKindOf(int level) => $"{RecordKinds.AuditNode}-{level}";

    private static AuditCheckpoint ToCheckpoint(ControlRecord record) =>
        AuditCheckpoint.TryParse(AuditJson.Read<AuditCheckpointRecord>(record).Text, out var checkpoint)
            ? checkpoint
            : throw AuditJson.Damaged($"The checkpoint {record.Id} is damaged.");
}
