using System.Numerics;

namespace Insa.Iiot.Tenancy.Audit;

/// <summary>Proofs about a Merkle tree (RFC 9162 §2.1.3 and §2.1.4): which ranges of leaves their hashes are of, and how they are verified.</summary>
internal static class MerkleProof
{
    /// <summary>The ranges whose roots prove that a leaf is in a tree (§2.1.3.1).</summary>
    public static List<(long Start, long Count)> Inclusion(long index, long size)
    {
        var ranges = new List<(long, long)>();
        for (var (start, count) = (0L, size); count > 1; )
        {
            var left = Split(count);
            if (index - start < left)
            {
                ranges.Add((start + left, count - left));
                count = left;
            }
            else
            {
                ranges.Add((start, left));
                (start, count) = (start + left, count - left);
            }
        }

        ranges.Reverse();
        return ranges;
    }

    /// <summary>The ranges whose roots prove that a tree has grown from another (§2.1.4.1); none for the same or the empty one.</summary>
    public static List<(long Start, long Count)> Consistency(long oldSize, long size)
    {
        var ranges = new List<(long, long)>();
        if (oldSize == 0 || oldSize == size)
            return ranges;
        var (start, count, isWhole) = (0L, size, true);
        while (oldSize - start != count)
        {
            var left = Split(count);
            if (oldSize - start <= left)
            {
                ranges.Add((start + left, count - left));
                count = left;
            }
            else
            {
                ranges.Add((start, left));
                (start, count, isWhole) = (start + left, count - left, false);
            }
        }

        if (!isWhole)
            ranges.Add((start, count));
        ranges.Reverse();
        return ranges;
    }

    /// <summary>§2.1.3.2.</summary>
    public static bool IsIncluded(byte[] leaf, long index, long size, IReadOnlyList<ReadOnlyMemory<byte>> path, ReadOnlySpan<byte> root)
    {
        if (index < 0 || index >= size || path.Any(hash => hash.Length != MerkleHash.Length))
            return false;
        var (fn, sn, r) = (index, size - 1, leaf);
        foreach (var p in path)
        {
            if (sn == 0)
                return false;
            if ((fn & 1) == 1 || fn == sn)
            {
                r = MerkleHash.OfNode(p.Span, r);
                SkipZeros(ref fn, ref sn);
            }
            else
            {
                r = MerkleHash.OfNode(r, p.Span);
            }

            (fn, sn) = (fn >> 1, sn >> 1);
        }

        return sn == 0 && root.SequenceEqual(r);
    }

    /// <summary>§2.1.4.2; and the empty tree is the beginning of every other.</summary>
    public static bool IsConsistent(
        long oldSize,
        long size,
        IReadOnlyList<ReadOnlyMemory<byte>> path,
        ReadOnlySpan<byte> oldRoot,
        ReadOnlySpan<byte> root
    )
    {
        if (oldSize < 0 || oldSize > size || path.Any(hash => hash.Length != MerkleHash.Length))
            return false;
        if (oldSize == size)
            return path.Count == 0 && oldRoot.SequenceEqual(root);
        if (oldSize == 0)
            return path.Count == 0 && oldRoot.SequenceEqual(MerkleHash.OfNothing());
        if (path.Count == 0)
            return false;

        // §2.1.4.2, step 2: the root of a complete old tree is the first hash, and is left out of the proof.
        var first = BitOperations.IsPow2(oldSize) ? oldRoot.ToArray() : path[0].ToArray();
        var rest = BitOperations.IsPow2(oldSize) ? path : path.Skip(1);
        var (fn, sn) = (oldSize - 1, size - 1);
        while ((fn & 1) == 1)
            (fn, sn) = (fn >> 1, sn >> 1);
        var (fr, sr) = (first, first);
        foreach (var c in rest)
        {
            if (sn == 0)
                return false;
            if ((fn & 1) == 1 || fn == sn)
            {
                fr = MerkleHash.OfNode(c.Span, fr);
                sr = MerkleHash.OfNode(c.Span, sr);
                SkipZeros(ref fn, ref sn);
            }
            else
            {
                sr = MerkleHash.OfNode(sr, c.Span);
            }

            (fn, sn) = (fn >> 1, sn >> 1);
        }

        return sn == 0 && oldRoot.SequenceEqual(fr) && root.SequenceEqual(sr);
    }

    /// <summary>The largest power of two below a count of two or more: where a tree divides.</summary>
    public static long Split(long count) => 1L << BitOperations.Log2((ulong)(count - 1));

    private static void SkipZeros(ref long fn, ref long sn)
    {
        while ((fn & 1) == 0 && fn != 0)
            (fn, sn) = (fn >> 1, sn >> 1);
    }
}
