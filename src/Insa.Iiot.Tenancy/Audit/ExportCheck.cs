namespace Insa.Iiot.Tenancy.Audit;

/// <summary>Checks an export line by line. Keeps 32 bytes of each entry, its leaf, because checkpoints come after the entries.</summary>
internal sealed class ExportCheck(string origin, IReadOnlyCollection<string> trustedKeys, AuditCheckpoint? kept)
{
    private readonly List<byte[]> _leaves = [];
    private readonly List<AuditCheckpoint> _checkpoints = [];
    private readonly List<AuditKeyStatement> _keys = [];
    private long _redacted;

    /// <returns>What is wrong; <see langword="null"/> if nothing is.</returns>
    public AuditVerification? Add(ReadOnlyMemory<byte>? line)
    {
        var read = line is { } bytes ? AuditJson.TryReadLine(bytes.Span) : null;
        return read switch
        {
            { Entry: { } entry, Checkpoint: null, Key: null } => AddEntry(entry),
            { Entry: null, Checkpoint: { } text, Key: null } => AddCheckpoint(text),
            { Entry: null, Checkpoint: null, Key: { } key } => AddKey(key),
            _ => Malformed("is not one of an export"),
        };
    }

    /// <summary>Checks what needs all lines.</summary>
    public AuditVerification Finish() =>
        CheckSignatures() ?? CheckEnd() ?? CheckRoots() ?? new(AuditProblem.None, null, "Nothing is wrong.", _leaves.Count, _redacted);

    private AuditVerification? AddEntry(AuditRecord entry)
    {
        var expected = _leaves.Count + 1L;
        if (_checkpoints.Count > 0 || _keys.Count > 0 || !entry.IsWellFormed)
            return Malformed("is not as entries are, or where they are");
        if (entry.Sequence != expected)
            return Wrong(AuditProblem.Sequence, expected, $"The entry {entry.Sequence} is in the place of {expected}.");
        var leaf = entry.ComputeLeaf(origin);
        if (!leaf.AsSpan().SequenceEqual(entry.Leaf))
            return Wrong(AuditProblem.Entry, expected, $"The entry {expected} is not what was logged in {origin}.");
        _leaves.Add(leaf);
        if (entry.Redacted != AuditFields.None)
            _redacted++;
        return null;
    }

    private AuditVerification? AddCheckpoint(string text)
    {
        if (_keys.Count > 0 || !AuditCheckpoint.TryParse(text, out var checkpoint))
            return Malformed("is not as checkpoints are, or where they are");
        if (checkpoint.Origin != origin)
            return Wrong(AuditProblem.Checkpoint, null, $"There is a checkpoint of {checkpoint.Origin}, not of {origin}.");
        if (_checkpoints.Count > 0 && checkpoint.Size <= _checkpoints[^1].Size)
            return Wrong(AuditProblem.Checkpoint, null, $"The checkpoint of size {checkpoint.Size} is out of its order.");
        _checkpoints.Add(checkpoint);
        return null;
    }

    private AuditVerification? AddKey(AuditKeyStatement key)
    {
        if (!key.IsSelfSigned || _keys.Exists(other => other.Id == key.Id))
            return Wrong(AuditProblem.Key, null, $"The key {key.Id} is not what it says, or is there twice.");
        _keys.Add(key);
        return null;
    }

    private AuditVerification? CheckSignatures()
    {
        var trusted = new HashSet<string>(trustedKeys, StringComparer.Ordinal);
        if (kept is not null)
            trusted.Add(kept.KeyId);
        Trust(trusted);
        if (_keys.Find(key => !trusted.Contains(key.Id)) is { } stranger)
            return Wrong(AuditProblem.Key, null, $"Nothing that is trusted vouches for the key {stranger.Id}.");
        var byId = _keys.ToDictionary(key => key.Id, StringComparer.Ordinal);
        foreach (var checkpoint in _checkpoints)
        {
            if (!byId.TryGetValue(checkpoint.KeyId, out var key) || !checkpoint.IsSignedWith(key.PublicKey))
                return Wrong(AuditProblem.Checkpoint, null, $"The checkpoint of size {checkpoint.Size} is not signed by a trusted key.");
        }

        if (kept is null)
            return null;
        return kept.Origin == origin && byId.TryGetValue(kept.KeyId, out var keptKey) && kept.IsSignedWith(keptKey.PublicKey)
            ? null
            : Wrong(AuditProblem.Kept, null, "The kept checkpoint is of another log, or not signed by a key of this one.");
    }

    // Two keys that follow each other both signed it, so that each vouches for the other.
    private void Trust(HashSet<string> trusted)
    {
        for (var known = -1; known != trusted.Count; )
        {
            known = trusted.Count;
            foreach (var key in _keys)
            {
                var previous = _keys.Find(other => other.Id == key.Previous);
                if (previous is null || trusted.Contains(key.Id) == trusted.Contains(previous.Id) || !key.IsSignedBy(previous))
                    continue;
                trusted.Add(key.Id);
                trusted.Add(previous.Id);
            }
        }
    }

    private AuditVerification? CheckEnd()
    {
        var (entries, signed) = (_leaves.Count, _checkpoints.Count > 0 ? _checkpoints[^1].Size : -1);
        if (signed > entries)
            return Wrong(AuditProblem.Truncated, entries + 1, $"A checkpoint is of {signed} entries, and {entries} are there.");
        if (signed < entries || _checkpoints.Count == 0)
            return Wrong(AuditProblem.Truncated, Math.Max(signed, 0) + 1, $"No checkpoint was signed for all {entries} entries.");
        return kept?.Size > entries
            ? Wrong(
                AuditProblem.Kept,
                entries + 1,
                $"The log had {kept.Size} entries when the kept checkpoint was signed, and has {entries}."
            )
            : null;
    }

    private AuditVerification? CheckRoots()
    {
        var tree = new MerkleFrontier();
        var good = 0L;
        foreach (var checkpoint in _checkpoints.Append(kept).OfType<AuditCheckpoint>().OrderBy(checkpoint => checkpoint.Size))
        {
            while (tree.Size < checkpoint.Size)
                tree.Append(_leaves[(int)tree.Size]);
            if (!checkpoint.RootHash.Span.SequenceEqual(tree.GetRoot()))
                return ReferenceEquals(checkpoint, kept)
                    ? Wrong(AuditProblem.Kept, 1, $"The first {checkpoint.Size} entries are not those of the kept checkpoint.")
                    : Wrong(AuditProblem.Root, good + 1, $"The entries to {checkpoint.Size} are not those that were signed.");
            good = checkpoint.Size;
        }

        return null;
    }

    private AuditVerification Malformed(string what)
    {
        var line = _leaves.Count + _checkpoints.Count + _keys.Count + 1;
        var isEntry = _checkpoints.Count == 0 && _keys.Count == 0;
        return Wrong(AuditProblem.Malformed, isEntry ? _leaves.Count + 1 : null, $"Line {line} {what}.");
    }

    private AuditVerification Wrong(AuditProblem problem, long? sequence, string message) =>
        new(problem, sequence, message, _leaves.Count, _redacted);
}
