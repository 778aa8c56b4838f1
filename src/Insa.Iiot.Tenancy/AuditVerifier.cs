using System.Text;
using Insa.Iiot.Tenancy.Audit;

namespace Insa.Iiot.Tenancy;

/// <summary>Verifies what <see cref="AuditLog"/> gave away: offline, without the store. Whatever is wrong is an answer, not an exception.</summary>
public static class AuditVerifier
{
    /// <summary>Verifies an export. Keeps 32 bytes of each entry in memory, and reads to the end or to the first thing that is wrong.</summary>
    /// <param name="export">What <see cref="AuditLog.ExportAsync"/> wrote.</param>
    /// <param name="log">Whose log it is to be.</param>
    /// <param name="trustedKeys">
    /// Ids of keys that are known from elsewhere, at least one unless there is a kept checkpoint. Who can write an export can put keys into it:
    /// only those that a trusted key vouches for, step by step, are believed.
    /// </param>
    /// <param name="kept">A checkpoint of the log that was kept elsewhere: the log must have grown from it. Its key is trusted.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="ArgumentException">There is nothing to trust.</exception>
    public static async Task<AuditVerification> VerifyAsync(
        Stream export,
        ControlScope log,
        IReadOnlyCollection<string> trustedKeys,
        AuditCheckpoint? kept = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(export);
        ArgumentNullException.ThrowIfNull(trustedKeys);
        if (trustedKeys.Count == 0 && kept is null)
            throw new ArgumentException("Without a trusted key or a kept checkpoint nothing is verified.", nameof(trustedKeys));
        var check = new ExportCheck(AuditEncoding.OriginOf(log), trustedKeys, kept);
        await foreach (var line in ExportLines.ReadAsync(export, cancellationToken).ConfigureAwait(false))
        {
            if (check.Add(line) is { } wrong)
                return wrong;
        }

        return check.Finish();
    }

    /// <summary>Whether the proof's entry is one of those that the checkpoint was signed for. Whether it was signed is for <see cref="AuditCheckpoint.IsSignedBy"/> to say.</summary>
    public static bool IsIncluded(AuditInclusionProof proof, AuditCheckpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(proof);
        ArgumentNullException.ThrowIfNull(checkpoint);
        var line = AuditJson.TryReadLine(Encoding.UTF8.GetBytes(proof.Entry));
        return line is { Entry: { IsWellFormed: true } entry, Checkpoint: null, Key: null }
            && proof.Size == checkpoint.Size
            && MerkleProof.IsIncluded(
                entry.ComputeLeaf(checkpoint.Origin),
                entry.Sequence - 1,
                proof.Size,
                proof.Path,
                checkpoint.RootHash.Span
            );
    }

    /// <summary>Whether the log of the newer checkpoint begins with that of the older one.</summary>
    public static bool IsConsistent(AuditConsistencyProof proof, AuditCheckpoint older, AuditCheckpoint newer)
    {
        ArgumentNullException.ThrowIfNull(proof);
        ArgumentNullException.ThrowIfNull(older);
        ArgumentNullException.ThrowIfNull(newer);
        return older.Origin == newer.Origin
            && proof.OldSize == older.Size
            && proof.Size == newer.Size
            && MerkleProof.IsConsistent(proof.OldSize, proof.Size, proof.Path, older.RootHash.Span, newer.RootHash.Span);
    }
}
