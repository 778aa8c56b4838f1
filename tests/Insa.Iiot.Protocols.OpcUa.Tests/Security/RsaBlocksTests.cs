using System.Security.Cryptography;
using Insa.Iiot.Protocols.OpcUa.Security;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Security;

public sealed class RsaBlocksTests
{
    private static readonly Dictionary<int, RSA> Keys = new[] { 2048, 3072, 4096 }.ToDictionary(bits => bits, RSA.Create);

    public static TheoryData<string, int> Cases
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var policy in SecurityPolicy.All.Where(p => !p.IsNone))
            {
                foreach (var bits in Keys.Keys)
                    data.Add(policy.Name, bits);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_length_of_text_survives_encryption(string name, int bits)
    {
        var (policy, key) = (PolicyOf(name), Keys[bits]);
        var block = RsaBlocks.PlainBlockBytes(key, policy);
        foreach (var length in new[] { 1, block - 1, block, block + 1, block * 3 })
        {
            var plain = RandomNumberGenerator.GetBytes(length);
            var encrypted = new byte[RsaBlocks.EncryptedBytes(key, policy, length)];
            Assert.Equal(encrypted.Length, RsaBlocks.Encrypt(key, policy, plain, encrypted));
            Assert.True(RsaBlocks.TryDecrypt(key, policy, encrypted, out var read));
            Assert.Equal(plain, encrypted[..read]);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_signature_holds_for_its_data_and_policy(string name, int bits)
    {
        var (policy, key) = (PolicyOf(name), Keys[bits]);
        byte[] data = [1, 2, 3];
        var signature = RsaBlocks.Sign(key, policy, data);
        Assert.True(RsaBlocks.Verify(key, policy, data, signature));
        Assert.False(RsaBlocks.Verify(key, policy, [1, 2, 4], signature));
        Assert.False(RsaBlocks.Verify(key, policy, data, signature.AsSpan(1)));
        Assert.False(RsaBlocks.Verify(key, policy, data, []));
        signature[5] ^= 1;
        Assert.False(RsaBlocks.Verify(key, policy, data, signature));
    }

    [Fact]
    public void What_is_no_whole_block_or_was_tampered_with_does_not_open()
    {
        var (policy, key) = (SecurityPolicy.Basic256Sha256, Keys[2048]);
        var encrypted = new byte[512];
        RsaBlocks.Encrypt(key, policy, new byte[300], encrypted);
        Assert.False(RsaBlocks.TryDecrypt(key, policy, [], out _));
        Assert.False(RsaBlocks.TryDecrypt(key, policy, encrypted.AsSpan(0, 500).ToArray(), out _));
        encrypted[300] ^= 1;
        Assert.False(RsaBlocks.TryDecrypt(key, policy, encrypted, out _));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_password_is_opened_with_the_nonce_it_was_sealed_for(string name, int bits)
    {
        var (policy, key) = (PolicyOf(name), Keys[bits]);
        var nonce = RandomNumberGenerator.GetBytes(32);
        foreach (var length in new[] { 0, 1, 8, 400 })
        {
            var password = RandomNumberGenerator.GetBytes(length);
            var sealedPassword = UserTokenSecret.Encrypt(key, policy, password, nonce);
            Assert.True(UserTokenSecret.TryDecrypt(key, policy, sealedPassword, nonce, out var opened));
            Assert.Equal(password, opened);
            Assert.False(UserTokenSecret.TryDecrypt(key, policy, sealedPassword, RandomNumberGenerator.GetBytes(32), out _));
            sealedPassword[^1] ^= 1;
            Assert.False(UserTokenSecret.TryDecrypt(key, policy, sealedPassword, nonce, out _));
        }

        Assert.False(UserTokenSecret.TryDecrypt(key, policy, [], nonce, out _));
        Assert.False(UserTokenSecret.TryDecrypt(key, policy, new byte[100_000], nonce, out _));
    }

    [Fact]
    public void A_password_whose_length_lies_does_not_open()
    {
        var (policy, key) = (SecurityPolicy.Basic256Sha256, Keys[2048]);
        var nonce = new byte[32];
        foreach (var length in new uint[] { 0, 31, 33, 1000, uint.MaxValue })
        {
            var plain = new byte[36];
            BitConverter.TryWriteBytes(plain, length);
            var encrypted = new byte[256];
            RsaBlocks.Encrypt(key, policy, plain, encrypted);
            Assert.False(UserTokenSecret.TryDecrypt(key, policy, encrypted, nonce, out _));
        }
    }

    [Fact]
    public void A_proof_is_over_certificate_and_nonce()
    {
        var (policy, key) = (SecurityPolicy.Aes256Sha256RsaPss, Keys[2048]);
        var proof = ProofOfPossession.Sign(key, policy, [1, 2], [3, 4]);
        Assert.True(ProofOfPossession.Verify(key, policy, [1, 2], [3, 4], proof));
        Assert.False(ProofOfPossession.Verify(key, policy, [1, 2], [3, 5], proof));
        Assert.False(ProofOfPossession.Verify(key, policy, [1], [3, 4], proof));
    }

    private static SecurityPolicy PolicyOf(string name) => SecurityPolicy.All.Single(p => p.Name == name);
}
