using System.Security.Cryptography;

namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>Derives keys and the common IV by HKDF with SHA-256 for AES-CCM-16-64-128 (RFC 8613 §3.2.1).</summary>
internal static class OscoreKeys
{
    public const int KeyBytes = 16;
    public const int NonceBytes = 13;
    public const int TagBytes = 8;

    /// <summary>The nonce holds five bytes of Partial IV and one of a length (RFC 8613 §5.2).</summary>
    public const int MaxIdBytes = NonceBytes - 6;

    /// <summary>A device's id, a tenant's, and the sign between them (see <see cref="OscoreIdentity"/>).</summary>
    public const int MaxIdContextBytes = 192;

    public static byte[] DeriveKey(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> salt, byte[]? idContext, ReadOnlySpan<byte> id) =>
        Derive(secret, salt, idContext, id, "Key"u8, KeyBytes);

    public static byte[] DeriveCommonIv(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> salt, byte[]? idContext) =>
        Derive(secret, salt, idContext, [], "IV"u8, NonceBytes);

    private static byte[] Derive(
        ReadOnlySpan<byte> secret,
        ReadOnlySpan<byte> salt,
        byte[]? idContext,
        ReadOnlySpan<byte> id,
        ReadOnlySpan<byte> type,
        int length
    )
    {
        // info = [id, id_context or nil, alg_aead, type, L]
        Span<byte> buffer = stackalloc byte[32 + MaxIdBytes + MaxIdContextBytes];
        var info = new CoseWriter(buffer);
        info.WriteArray(5);
        info.WriteBytes(id);
        if (idContext is null)
            info.WriteNull();
        else
            info.WriteBytes(idContext);
        info.WriteInteger(OscoreAad.AesCcm16_64_128);
        info.WriteText(type);
        info.WriteInteger(length);
        var key = new byte[length];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, key, salt, info.Written);
        return key;
    }
}
