using System.Numerics;

namespace Insa.Iiot.Tenancy.Audit;

/// <summary>The Merkle tree of a stored log. Every range takes some reads of at most 128 records.</summary>
internal sealed class MerkleTree(AuditStore store)
{
    public async ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> ReadRootsAsync(
        IEnumerable<(long Start, long Count)> ranges,
        CancellationToken cancellationToken
    )
    {
        var roots = new List<ReadOnlyMemory<byte>>();
        foreach (var (start, count) in ranges)
            roots.Add(await ReadRootAsync(start, count, cancellationToken).ConfigureAwait(false));
        return roots;
    }

    /// <summary>Reads the root of a subtree: a range that one of the tree's nodes covers.</summary>
    private async ValueTask<byte[]> ReadRootAsync(long start, long count, CancellationToken cancellationToken)
    {
        if (!BitOperations.IsPow2(count))
        {
            var left = MerkleProof.Split(count);
            var leftRoot = await ReadRootAsync(start, left, cancellationToken).ConfigureAwait(false);
            var rightRoot = await ReadRootAsync(start + left, count - left, cancellationToken).ConfigureAwait(false);
            return MerkleHash.OfNode(leftRoot, rightRoot);
        }

        var level = BitOperations.Log2((ulong)count);
        var kept = level / AuditStore.NodeLevels * AuditStore.NodeLevels;
        var hashes = await store.ReadHashesAsync(kept, start >> kept, 1 << (level - kept), cancellationToken).ConfigureAwait(false);
        var subtree = new MerkleFrontier();
        hashes.ForEach(hash => subtree.Append(hash));
        return subtree.GetRoot();
    }
}
