using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Insa.Iiot.Tenancy.Audit;

namespace Insa.Iiot.Tenancy.Tests;

public sealed class AuditMerkleTests
{
    // The leaves and roots of the reference tests of Certificate Transparency (RFC 6962), as used by other implementations too.
    private static readonly string[] KnownLeaves =
    [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];

    private static readonly string[] KnownRoots =
    [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    private static readonly Gen<(int Old, int Size)> AnySizes = Gen.Select(Gen.Int[0, 70], Gen.Int[0, 70])
        .Select((a, b) => (Math.Min(a, b), Math.Max(a, b)));

    [Fact]
    public void Roots_are_those_of_the_reference_tests()
    {
        var leaves = KnownLeaves.Select(hex => MerkleHash.OfLeaf(Convert.FromHexString(hex))).ToArray();
        for (var size = 0; size <= leaves.Length; size++)
        {
            Assert.Equal(KnownRoots[size], Convert.ToHexStringLower(RootOf(leaves[..size])));
            Assert.Equal(KnownRoots[size], Convert.ToHexStringLower(NaiveRoot(leaves.AsSpan(0, size))));
        }
    }

    [Fact]
    public void The_root_of_any_tree_is_that_of_the_definition() =>
        Gen.Int[0, 600]
            .Sample(
                size =>
                {
                    var leaves = LeavesOf(size);
                    return RootOf(leaves).SequenceEqual(NaiveRoot(leaves));
                },
                iter: 60
            );

    [Fact]
    public void A_frontier_goes_on_from_its_peaks_and_tells_of_every_subtree()
    {
        var leaves = LeavesOf(100);
        var tree = new MerkleFrontier();
        var told = 0;
        foreach (var leaf in leaves)
        {
            tree = new MerkleFrontier(tree.Size, tree.Peaks);
            tree.Append(
                leaf,
                (level, index, hash) =>
                {
                    told++;
                    Assert.Equal(NaiveRoot(leaves.AsSpan((int)(index << level), 1 << level)), hash);
                }
            );
        }

        Assert.Equal(50 + 25 + 12 + 6 + 3 + 1, told);
        Assert.Equal(NaiveRoot(leaves), tree.GetRoot());
        Assert.Throws<InvalidOperationException>(() => new MerkleFrontier(3, tree.Peaks));
    }

    [Fact]
    public void A_leaf_is_proved_to_be_in_a_tree_and_no_other_is() =>
        Gen.Select(Gen.Int[1, 70], Gen.Int[0, 69], Gen.Int[0, 1000])
            .Sample(
                (size, at, salt) =>
                {
                    var index = at % size;
                    var leaves = LeavesOf(size);
                    var root = NaiveRoot(leaves);
                    var path = PathOf(leaves, MerkleProof.Inclusion(index, size));
                    Assert.True(MerkleProof.IsIncluded(leaves[index], index, size, path, root));
                    Assert.False(MerkleProof.IsIncluded(MerkleHash.OfLeaf([9]), index, size, path, root));
                    Assert.False(MerkleProof.IsIncluded(leaves[index], index, size, path, MerkleHash.OfLeaf([9])));
                    Assert.False(MerkleProof.IsIncluded(leaves[index], index, size, [.. path, root], root));
                    if (size > 1)
                        Assert.False(MerkleProof.IsIncluded(leaves[index], (index + 1) % size, size, path, root));
                    if (path.Count == 0)
                        return;
                    Assert.False(MerkleProof.IsIncluded(leaves[index], index, size, path[1..], root));
                    Assert.False(MerkleProof.IsIncluded(leaves[index], index, size, Altered(path, salt), root));
                },
                iter: 2000
            );

    [Fact]
    public void Growth_is_proved_and_nothing_else_is() =>
        Gen.Select(AnySizes, Gen.Int[0, 1000])
            .Sample(
                (sizes, salt) =>
                {
                    var leaves = LeavesOf(sizes.Size);
                    var (oldRoot, root) = (NaiveRoot(leaves.AsSpan(0, sizes.Old)), NaiveRoot(leaves));
                    var path = PathOf(leaves, MerkleProof.Consistency(sizes.Old, sizes.Size));
                    Assert.True(MerkleProof.IsConsistent(sizes.Old, sizes.Size, path, oldRoot, root));
                    Assert.False(MerkleProof.IsConsistent(sizes.Old, sizes.Size, path, MerkleHash.OfLeaf([9]), root));
                    Assert.False(MerkleProof.IsConsistent(sizes.Old, sizes.Size, [.. path, root], oldRoot, root));
                    if (sizes.Old > 0)
                        Assert.False(MerkleProof.IsConsistent(sizes.Old, sizes.Size, path, oldRoot, MerkleHash.OfLeaf([9])));
                    if (path.Count == 0)
                        return;
                    Assert.False(MerkleProof.IsConsistent(sizes.Old, sizes.Size, path[1..], oldRoot, root));
                    Assert.False(MerkleProof.IsConsistent(sizes.Old, sizes.Size, Altered(path, salt), oldRoot, root));
                },
                iter: 2000
            );

    private static byte[][] LeavesOf(int count) =>
        [.. Enumerable.Range(0, count).Select(i => MerkleHash.OfLeaf(Encoding.UTF8.GetBytes($"leaf {i}")))];

    private static byte[] RootOf(IEnumerable<byte[]> leaves)
    {
        var tree = new MerkleFrontier();
        foreach (var leaf in leaves)
            tree.Append(leaf);
        return tree.GetRoot();
    }

    /// <summary>The definition in RFC 9162 §2.1.1, word for word.</summary>
    private static byte[] NaiveRoot(ReadOnlySpan<byte[]> leaves)
    {
        if (leaves.Length == 0)
            return SHA256.HashData([]);
        if (leaves.Length == 1)
            return leaves[0];
        var k = 1;
        while (k * 2 < leaves.Length)
            k *= 2;
        return SHA256.HashData([1, .. NaiveRoot(leaves[..k]), .. NaiveRoot(leaves[k..])]);
    }

    private static List<ReadOnlyMemory<byte>> PathOf(byte[][] leaves, List<(long Start, long Count)> ranges) =>
        [.. ranges.Select(range => (ReadOnlyMemory<byte>)NaiveRoot(leaves.AsSpan((int)range.Start, (int)range.Count)))];

    private static List<ReadOnlyMemory<byte>> Altered(List<ReadOnlyMemory<byte>> path, int salt)
    {
        var bytes = path[salt % path.Count].ToArray();
        bytes[salt % bytes.Length] ^= (byte)(1 << (salt % 8));
        return [.. path.Select((hash, i) => i == salt % path.Count ? bytes : hash)];
    }
}
