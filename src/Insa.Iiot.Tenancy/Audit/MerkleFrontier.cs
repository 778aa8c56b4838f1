using System.Numerics;

namespace Insa.Iiot.Tenancy.Audit;

/// <summary>The right edge of a Merkle tree: the roots of its complete subtrees from left to right, which is all that growing needs.</summary>
internal sealed class MerkleFrontier
{
    private readonly List<byte[]> _peaks;

    public MerkleFrontier(long size, IEnumerable<byte[]> peaks)
    {
        (Size, _peaks) = (size, [.. peaks]);
        if (size < 0 || BitOperations.PopCount((ulong)size) != _peaks.Count || _peaks.Exists(peak => peak.Length != MerkleHash.Length))
            throw new InvalidOperationException($"A tree of {size} leaves does not have these {_peaks.Count} peaks.");
    }

    public MerkleFrontier()
        : this(0, []) { }

    public long Size { get; private set; }

    public IReadOnlyList<byte[]> Peaks => _peaks;

    /// <summary>Adds a leaf.</summary>
    /// <param name="leaf">Its hash.</param>
    /// <param name="completed">Told of every subtree that it completes: its level, its index among those of the level, and its root.</param>
    public void Append(byte[] leaf, Action<int, long, byte[]>? completed = null)
    {
        var hash = leaf;
        for (var level = 0; ((Size >> level) & 1) == 1; )
        {
            hash = MerkleHash.OfNode(_peaks[^1], hash);
            _peaks.RemoveAt(_peaks.Count - 1);
            level++;
            completed?.Invoke(level, Size >> level, hash);
        }

        _peaks.Add(hash);
        Size++;
    }

    public byte[] GetRoot()
    {
        if (_peaks.Count == 0)
            return MerkleHash.OfNothing();
        var root = _peaks[^1];
        for (var i = _peaks.Count - 2; i >= 0; i--)
            root = MerkleHash.OfNode(_peaks[i], root);
        return root;
    }
}
