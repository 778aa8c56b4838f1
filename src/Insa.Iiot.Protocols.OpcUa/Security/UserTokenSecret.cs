using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Insa.Iiot.Protocols.OpcUa.Security;

/// <summary>The password of a UserNameIdentityToken, encrypted for the server together with its last nonce (Part 4 §7.40.2).</summary>
internal static class UserTokenSecret
{
    // A password of 256 characters of 4 bytes, a nonce, and the rest of the last block.
    private const int MaxEncryptedBytes = 4096;
    private const int LengthBytes = 4;

    /// <summary>Opens a password. Takes the same path whatever is wrong with it.</summary>
    /// <returns><see langword="false"/> if it is not one that was encrypted for us after <paramref name="nonce"/> was given out.</returns>
    public static bool TryDecrypt(
        RSA key,
        SecurityPolicy policy,
        ReadOnlySpan<byte> encrypted,
        ReadOnlySpan<byte> nonce,
        out byte[] password
    )
    {
        password = [];
        if (encrypted.Length > MaxEncryptedBytes)
            return false;
        Span<byte> plain = stackalloc byte[MaxEncryptedBytes];
        plain = plain[..encrypted.Length];
        encrypted.CopyTo(plain);
        var opened = RsaBlocks.TryDecrypt(key, policy, plain, out var length);

        // The length counts the password and the nonce.
        var said = opened && length >= LengthBytes ? BinaryPrimitives.ReadUInt32LittleEndian(plain) : 0;
        var holds = opened && said == length - LengthBytes && said >= nonce.Length;
        var secret = holds ? plain.Slice(LengthBytes, (int)said) : default;
        holds = holds && CryptographicOperations.FixedTimeEquals(secret[^nonce.Length..], nonce);
        if (holds)
            password = secret[..^nonce.Length].ToArray();
        CryptographicOperations.ZeroMemory(plain);
        return holds;
    }

    /// <summary>Seals a password as a client does.</summary>
    public static byte[] Encrypt(RSA key, SecurityPolicy policy, ReadOnlySpan<byte> password, ReadOnlySpan<byte> nonce)
    {
        var plain = new byte[LengthBytes + password.Length + nonce.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(plain, (uint)(password.Length + nonce.Length));
        password.CopyTo(plain.AsSpan(LengthBytes));
        nonce.CopyTo(plain.AsSpan(LengthBytes + password.Length));
        var encrypted = new byte[RsaBlocks.EncryptedBytes(key, policy, plain.Length)];
        RsaBlocks.Encrypt(key, policy, plain, encrypted);
        CryptographicOperations.ZeroMemory(plain);
        return encrypted;
    }
}
