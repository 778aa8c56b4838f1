using System.Collections.Concurrent;
using System.Text;
using Insa.Iiot.Tenancy.Audit;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy;

/// <summary>
/// The audit logs, one for each tenant and one for the platform itself: what was done and what was refused. Entries cannot be changed, left out or
/// reordered without <see cref="AuditVerifier"/> noticing. Thread-safe, and safe between hosts.
/// </summary>
/// <remarks>
/// The signing key is kept in the same store: a checkpoint is proof against those who cannot read that. Against those who can, keep checkpoints
/// and the keys' ids where they cannot change them. All calls may throw <see cref="TelemetryStoreException"/>.
/// </remarks>
public sealed class AuditLog
{
    /// <summary>The most entries that are listed at once.</summary>
    public const int MaxListed = 1000;

    private const int Page = 500;
    private const int Attempts = 5;

    private readonly IControlStore _store;
    private readonly TimeProvider _time;
    private readonly AuditOptions _options;
    private readonly AuditKeys _keys;
    private readonly ConcurrentDictionary<ControlScope, AuditWriter> _writers = new();

    internal AuditLog(IControlStore store, TimeProvider time, IOptions<AuditOptions> options) =>
        (_store, _time, _options, _keys) = (store, time, options.Value, new AuditKeys(store, time));

    /// <summary>
    /// Adds an entry; it is durable and has its place when this returns. Many that are added at once are written together; when very many wait,
    /// this waits before it takes one more.
    /// </summary>
    /// <param name="log">Whose log: an existing tenant's, or the platform's.</param>
    /// <param name="happened">What happened.</param>
    /// <param name="cancellationToken">Ends the wait for a turn, and nothing is logged; what is being written already is waited for.</param>
    /// <exception cref="ArgumentException">The actor is empty, or the action or the details are not valid.</exception>
    /// <exception cref="TelemetryStoreException">Whether it was logged is not known, as after every failed commit: log it again.</exception>
    public async ValueTask<AuditEntry> AppendAsync(ControlScope log, AuditEvent happened, CancellationToken cancellationToken = default)
    {
        var write = new AuditWrite(AuditEventText.ToRecord(happened, _time.GetUtcNow().UtcDateTime));
        await WriterOf(log).WriteAsync(write, cancellationToken).ConfigureAwait(false);
        return write.Entry!.ToEntry();
    }

    /// <summary>Lists entries by sequence, after one.</summary>
    /// <param name="log">Whose log.</param>
    /// <param name="after">The last sequence that was seen; 0 to begin.</param>
    /// <param name="limit">How many at most: 1 to <see cref="MaxListed"/>.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async ValueTask<IReadOnlyList<AuditEntry>> ListAsync(
        ControlScope log,
        long after,
        int limit,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MaxListed);
        var entries = await StoreOf(log).ListEntriesAsync(after, limit, cancellationToken).ConfigureAwait(false);
        return [.. entries.Select(entry => entry.ToEntry())];
    }

    /// <summary>
    /// Erases fields of an entry for ever; the log's tree stays as it is. It is logged first, as <c>audit.redact</c>. Backups and exports keep
    /// what they have.
    /// </summary>
    /// <param name="log">Whose log.</param>
    /// <param name="sequence">The entry.</param>
    /// <param name="fields">What to erase.</param>
    /// <param name="actor">Who does it.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>What is left; <see langword="null"/> if there is no such entry.</returns>
    public async ValueTask<AuditEntry?> RedactAsync(
        ControlScope log,
        long sequence,
        AuditFields fields,
        string actor,
        CancellationToken cancellationToken = default
    )
    {
        if (fields == AuditFields.None || (fields & ~AuditFields.All) != AuditFields.None)
            throw new ArgumentOutOfRangeException(nameof(fields), fields, "It names no fields.");
        var store = StoreOf(log);
        if (await FindEntryAsync(store, sequence, cancellationToken).ConfigureAwait(false) is null)
            return null;
        var happened = new AuditEvent
        {
            Actor = actor,
            Action = "audit.redact",
            Target = AuditStore.IdOf(sequence),
            Details = new Dictionary<string, string>(StringComparer.Ordinal) { ["fields"] = fields.ToString() },
        };
        await AppendAsync(log, happened, cancellationToken).ConfigureAwait(false);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (await FindEntryAsync(store, sequence, cancellationToken).ConfigureAwait(false) is not { } record)
                return null;
            var left = AuditJson.Read<AuditRecord>(record).Redact(fields);
            var result = await store.CommitAsync([ControlChange.Replace(record, AuditJson.Write(left))]).ConfigureAwait(false);
            if (result.Outcome == ControlOutcome.Done)
                return left.ToEntry();
        }

        throw TenancyException.Changed();
    }

    /// <summary>Signs what a log is now, unless that was signed before: then it is that checkpoint.</summary>
    public async ValueTask<AuditCheckpoint> CheckpointAsync(ControlScope log, CancellationToken cancellationToken = default)
    {
        var write = new AuditWrite(entry: null);
        await WriterOf(log).WriteAsync(write, cancellationToken).ConfigureAwait(false);
        return write.Checkpoint!;
    }

    /// <summary>Proves that an entry is in a log of some size, which a checkpoint has.</summary>
    /// <returns><see langword="null"/> if the log has not grown to that size.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A log of that size has no such entry.</exception>
    public async ValueTask<AuditInclusionProof?> ProveInclusionAsync(
        ControlScope log,
        long sequence,
        long size,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sequence, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sequence, size);
        var store = StoreOf(log);
        if (await store.ReadSizeAsync(cancellationToken).ConfigureAwait(false) < size)
            return null;
        var record =
            await store.FindEntryAsync(sequence, cancellationToken).ConfigureAwait(false)
            ?? throw AuditJson.Damaged($"The entry {sequence} of {store.Origin} is gone.");
        var line = AuditJson.Write(new AuditExportLine(AuditJson.Read<AuditRecord>(record)));
        var ranges = MerkleProof.Inclusion(sequence - 1, size);
        var path = await new MerkleTree(store).ReadRootsAsync(ranges, cancellationToken).ConfigureAwait(false);
        return new AuditInclusionProof(Encoding.UTF8.GetString(line), size, path);
    }

    /// <summary>Proves that a log only grew from one size to another, which checkpoints have.</summary>
    /// <returns><see langword="null"/> if the log has not grown to that size.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The old size is below 0, or above the other.</exception>
    public async ValueTask<AuditConsistencyProof?> ProveConsistencyAsync(
        ControlScope log,
        long oldSize,
        long size,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegative(oldSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oldSize, size);
        var store = StoreOf(log);
        if (await store.ReadSizeAsync(cancellationToken).ConfigureAwait(false) < size)
            return null;
        var ranges = MerkleProof.Consistency(oldSize, size);
        var path = await new MerkleTree(store).ReadRootsAsync(ranges, cancellationToken).ConfigureAwait(false);
        return new AuditConsistencyProof(oldSize, size, path);
    }

    /// <summary>
    /// Writes a log for <see cref="AuditVerifier.VerifyAsync"/>: JSON, a line for each entry, then for each checkpoint, then for each public key.
    /// It ends with a checkpoint of what is written; what is added meanwhile is not in it.
    /// </summary>
    /// <returns>That checkpoint.</returns>
    public async ValueTask<AuditCheckpoint> ExportAsync(ControlScope log, Stream export, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(export);
        var store = StoreOf(log);
        var last = await CheckpointAsync(log, cancellationToken).ConfigureAwait(false);
        for (var after = 0L; after < last.Size; )
        {
            var limit = (int)Math.Min(Page, last.Size - after);
            var page = await store.ListEntriesAsync(after, limit, cancellationToken).ConfigureAwait(false);
            if (page.Count == 0 || page[^1].Sequence <= after)
                throw AuditJson.Damaged($"Entries of {store.Origin} after {after} are gone.");
            foreach (var entry in page)
                await WriteLineAsync(export, new AuditExportLine(entry), cancellationToken).ConfigureAwait(false);
            after = page[^1].Sequence;
        }

        for (var after = -1L; after < last.Size; )
        {
            var page = await store.ListCheckpointsAsync(after, Page, cancellationToken).ConfigureAwait(false);
            if (page.Count == 0 || page[^1].Size <= after)
                throw AuditJson.Damaged($"Checkpoints of {store.Origin} after {after} are gone.");
            foreach (var checkpoint in page.Where(checkpoint => checkpoint.Size <= last.Size))
                await WriteLineAsync(export, new AuditExportLine(Checkpoint: checkpoint.ToString()), cancellationToken)
                    .ConfigureAwait(false);
            after = page[^1].Size;
        }

        foreach (var key in await _keys.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            await WriteLineAsync(export, new AuditExportLine(Key: key), cancellationToken).ConfigureAwait(false);
        return last;
    }

    /// <summary>The public keys of all logs, the oldest first; the last one signs. The first call makes it.</summary>
    public async ValueTask<IReadOnlyList<AuditPublicKey>> ReadKeysAsync(CancellationToken cancellationToken = default)
    {
        var keys = await _keys.ReadAllAsync(cancellationToken).ConfigureAwait(false);
        return [.. keys.Select(key => key.ToPublicKey())];
    }

    /// <summary>
    /// Makes another signing key, which the present one vouches for, and erases the private part of that. It is logged in the platform's log as
    /// <c>audit-key.rotate</c>.
    /// </summary>
    /// <param name="actor">Who does it.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="TenancyException"><see cref="TenancyError.Changed"/>: somebody else did meanwhile.</exception>
    public async ValueTask<AuditPublicKey> RotateKeyAsync(string actor, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(actor);
        var key = await _keys.RotateAsync(cancellationToken).ConfigureAwait(false);
        var happened = new AuditEvent
        {
            Actor = actor,
            Action = "audit-key.rotate",
            Target = key.Id,
        };
        await AppendAsync(ControlScope.Platform, happened, cancellationToken).ConfigureAwait(false);
        return key;
    }

    private static ValueTask<ControlRecord?> FindEntryAsync(AuditStore store, long sequence, CancellationToken cancellationToken) =>
        sequence < 1 ? ValueTask.FromResult<ControlRecord?>(null) : store.FindEntryAsync(sequence, cancellationToken);

    private static async ValueTask WriteLineAsync(Stream export, AuditExportLine line, CancellationToken cancellationToken)
    {
        byte[] bytes = [.. AuditJson.Write(line), (byte)'\n'];
        await export.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
    }

    private AuditStore StoreOf(ControlScope log) => new(_store, log);

    private AuditWriter WriterOf(ControlScope log) =>
        _writers.GetOrAdd(
            log,
            static (scope, self) => new AuditWriter(self.StoreOf(scope), self._keys, self._time, self._options.CheckpointInterval),
            this
        );
}
