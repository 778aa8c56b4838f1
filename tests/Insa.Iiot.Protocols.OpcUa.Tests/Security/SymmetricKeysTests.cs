using Insa.Iiot.Protocols.OpcUa.Security;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Security;

public sealed class SymmetricKeysTests
{
    private static readonly byte[] ClientNonce = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] ServerNonce = [.. Enumerable.Range(100, 32).Select(i => (byte)i)];

    public static TheoryData<string> Policies => [.. SecurityPolicy.All.Where(p => !p.IsNone).Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(Policies))]
    public void What_one_side_encrypts_the_other_decrypts_again_and_again(string name)
    {
        var policy = SecurityPolicy.All.Single(p => p.Name == name);
        using var sender = SymmetricKeys.Derive(policy, ServerNonce, ClientNonce, CipherUse.Encrypt);
        using var receiver = SymmetricKeys.Derive(policy, ServerNonce, ClientNonce, CipherUse.Decrypt);
        byte[]? first = null;
        for (var round = 0; round < 3; round++)
        {
            byte[] buffer = [.. Enumerable.Range(0, 160).Select(i => (byte)i)];
            sender.Transform(buffer, 16, 128);
            Assert.NotEqual(Enumerable.Range(16, 128).Select(i => (byte)i), buffer[16..144]);

            // The same vector for every chunk: nothing of the last one goes on.
            first ??= (byte[])buffer.Clone();
            Assert.Equal(first, buffer);
            receiver.Transform(buffer, 16, 128);
            Assert.Equal(Enumerable.Range(0, 160).Select(i => (byte)i), buffer);
        }
    }

    [Fact]
    public void A_signature_holds_for_its_data_alone()
    {
        using var sender = SymmetricKeys.Derive(SecurityPolicy.Basic256Sha256, ServerNonce, ClientNonce, CipherUse.None);
        using var receiver = SymmetricKeys.Derive(SecurityPolicy.Basic256Sha256, ServerNonce, ClientNonce, CipherUse.None);
        using var other = SymmetricKeys.Derive(SecurityPolicy.Basic256Sha256, ClientNonce, ServerNonce, CipherUse.None);
        byte[] data = [1, 2, 3, 4];
        var signature = new byte[SymmetricKeys.SignatureBytes];
        sender.Sign(data, signature);
        Assert.True(receiver.Verify(data, signature));
        Assert.False(other.Verify(data, signature));
        Assert.False(receiver.Verify([1, 2, 3, 5], signature));
        signature[31] ^= 1;
        Assert.False(receiver.Verify(data, signature));
    }

    [Fact]
    public void Chunks_are_signed_and_encrypted_without_allocating()
    {
        using var keys = SymmetricKeys.Derive(SecurityPolicy.Basic256Sha256, ServerNonce, ClientNonce, CipherUse.Encrypt);
        var buffer = new byte[256];
        Work();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            Work();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Work()
        {
            keys.Sign(buffer.AsSpan(0, 208), buffer.AsSpan(208, 32));
            keys.Transform(buffer, 16, 240);
        }
    }
}
