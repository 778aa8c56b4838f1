using System.Security.Cryptography;

namespace Insa.Iiot.Protocols.OpcUa.Security;

/// <summary>One direction's keys of a security token, made ready once: signing and encrypting a chunk allocates nothing. For one thread at a time.</summary>
/// <remarks>The initialization vector is the token's, the same for every chunk; chaining does not go on from one chunk to the next (Part 6 §6.7.5).</remarks>
internal sealed class SymmetricKeys : IDisposable
{
    public const int SignatureBytes = SecurityPolicy.SymmetricSignatureBytes;
    private const int BlockBytes = SecurityPolicy.SymmetricBlockBytes;

    private readonly IncrementalHash _signer;
    private readonly ICryptoTransform? _cipher;
    private readonly CipherUse _use;
    private readonly byte[] _vector;
    private readonly byte[] _lastBlock;

    private SymmetricKeys(IncrementalHash signer, ICryptoTransform? cipher, CipherUse use, byte[] vector)
    {
        (_signer, _cipher, _use, _vector) = (signer, cipher, use, vector);
        _lastBlock = [.. vector];
    }

    /// <summary>Derives the keys.</summary>
    /// <param name="policy">Any but None.</param>
    /// <param name="secret">The nonce of who receives with these keys.</param>
    /// <param name="seed">The nonce of who sends with these keys.</param>
    /// <param name="encrypts">Whether chunks are encrypted too, and for which side this is.</param>
    public static SymmetricKeys Derive(SecurityPolicy policy, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> seed, CipherUse encrypts)
    {
        var length = policy.EncryptingKeyBytes;
        Span<byte> material = stackalloc byte[SignatureBytes + length + BlockBytes];
        KeyDerivation.PSha256(secret, seed, material);
        var signer = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, material[..SignatureBytes]);
        var vector = material[^BlockBytes..].ToArray();
        var cipher = encrypts == CipherUse.None ? null : MakeCipher(material.Slice(SignatureBytes, length), vector, encrypts);
        CryptographicOperations.ZeroMemory(material);
        return new SymmetricKeys(signer, cipher, encrypts, vector);
    }

    public bool Encrypts => _cipher is not null;

    public void Sign(ReadOnlySpan<byte> data, Span<byte> signature)
    {
        _signer.AppendData(data);
        _signer.GetHashAndReset(signature);
    }

    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        Span<byte> expected = stackalloc byte[SignatureBytes];
        Sign(data, expected);
        return CryptographicOperations.FixedTimeEquals(expected, signature);
    }

    /// <summary>Encrypts or decrypts whole blocks in place.</summary>
    public void Transform(byte[] buffer, int offset, int count)
    {
        // To end the cipher's chain would allocate. It goes on instead with the last block, which is taken out of the first of this chunk again,
        // and the vector put in.
        var first = buffer.AsSpan(offset, BlockBytes);
        var last = buffer.AsSpan(offset + count - BlockBytes, BlockBytes);
        if (_use == CipherUse.Encrypt)
        {
            Unchain(first);
            _cipher!.TransformBlock(buffer, offset, count, buffer, offset);
            last.CopyTo(_lastBlock);
            return;
        }

        Span<byte> encrypted = stackalloc byte[BlockBytes];
        last.CopyTo(encrypted);
        _cipher!.TransformBlock(buffer, offset, count, buffer, offset);
        Unchain(first);
        encrypted.CopyTo(_lastBlock);
    }

    public void Dispose()
    {
        _signer.Dispose();
        _cipher?.Dispose();
    }

    private void Unchain(Span<byte> block)
    {
        for (var i = 0; i < BlockBytes; i++)
            block[i] ^= (byte)(_lastBlock[i] ^ _vector[i]);
    }

    private static ICryptoTransform MakeCipher(ReadOnlySpan<byte> key, byte[] vector, CipherUse use)
    {
        using var aes = Aes.Create();
        aes.Mode = CipherMode.CBC;
        aes.Padding = PaddingMode.None;
        aes.SetKey(key);
        aes.IV = vector;
        return use == CipherUse.Encrypt ? aes.CreateEncryptor() : aes.CreateDecryptor();
    }
}
