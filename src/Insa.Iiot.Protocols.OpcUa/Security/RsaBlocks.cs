using System.Security.Cryptography;

namespace Insa.Iiot.Protocols.OpcUa.Security;

/// <summary>RSA over more than one block (Part 6 §6.7.4): each block of plain text becomes one of the key's length.</summary>
internal static class RsaBlocks
{
    public static int BlockBytes(RSA key) => key.KeySize / 8;

    public static int PlainBlockBytes(RSA key, SecurityPolicy policy) => BlockBytes(key) - policy.EncryptionOverheadBytes;

    /// <summary>How long it is once encrypted.</summary>
    public static int EncryptedBytes(RSA key, SecurityPolicy policy, int plainBytes)
    {
        var block = PlainBlockBytes(key, policy);
        return (plainBytes + block - 1) / block * BlockBytes(key);
    }

    /// <summary>Encrypts; the last block may be shorter.</summary>
    /// <returns>How much was written.</returns>
    public static int Encrypt(RSA key, SecurityPolicy policy, ReadOnlySpan<byte> plain, Span<byte> encrypted)
    {
        var block = PlainBlockBytes(key, policy);
        var written = 0;
        while (!plain.IsEmpty)
        {
            var length = Math.Min(block, plain.Length);
            written += key.Encrypt(plain[..length], encrypted[written..], policy.EncryptionPadding);
            plain = plain[length..];
        }

        return written;
    }

    /// <summary>Decrypts in place.</summary>
    /// <returns><see langword="false"/> if it is not whole blocks that the key opens; which of them did not open is not told, nor seen by the time it takes.</returns>
    public static bool TryDecrypt(RSA key, SecurityPolicy policy, Span<byte> data, out int plainBytes)
    {
        plainBytes = 0;
        var block = BlockBytes(key);
        if (data.IsEmpty || data.Length % block != 0)
            return false;
        var opened = true;
        Span<byte> plain = stackalloc byte[SecurityPolicy.MaxKeyBits / 8];
        for (var at = 0; at < data.Length; at += block)
        {
            try
            {
                var length = key.Decrypt(data.Slice(at, block), plain, policy.EncryptionPadding);

                // What came before is read already: plain text is shorter than its block.
                plain[..length].CopyTo(data[plainBytes..]);
                plainBytes += length;
            }
            catch (CryptographicException)
            {
                opened = false;
            }
        }

        CryptographicOperations.ZeroMemory(plain);
        return opened;
    }

    public static byte[] Sign(RSA key, SecurityPolicy policy, ReadOnlySpan<byte> data) =>
        key.SignData(data, HashAlgorithmName.SHA256, policy.SignaturePadding);

    public static bool Verify(RSA key, SecurityPolicy policy, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        try
        {
            return signature.Length == BlockBytes(key)
                && key.VerifyData(data, signature, HashAlgorithmName.SHA256, policy.SignaturePadding);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
