using System.Security.Cryptography;
using System.Text;

namespace Insa.Iiot.Storage;

/// <summary>Seals pre-shared keys for the disk with AES-256-GCM: a version, a nonce, the tag, the sealed key. Bound to the identity, so that a row copied to another device opens nothing.</summary>
internal static class CredentialSeal
{
    public const int KeyBytes = 32;

    private const byte Version = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int Head = 1 + NonceBytes + TagBytes;

    public static string IdentityOf(TenantId tenant, DeviceId device) => $"{device.Value}@{tenant.Value}";

    public static byte[] NewKey() => RandomNumberGenerator.GetBytes(KeyBytes);

    /// <summary>Whether a text of the options is a key.</summary>
    public static bool IsKey(string text) => Convert.TryFromBase64String(text, new byte[text.Length], out var length) && length == KeyBytes;

    /// <exception cref="InvalidOperationException">There is no key to seal with.</exception>
    public static byte[] Seal(string? credentialKey, string identity, ReadOnlySpan<byte> secret)
    {
        using var aes = Open(credentialKey);
        var all = new byte[Head + secret.Length];
        all[0] = Version;
        RandomNumberGenerator.Fill(all.AsSpan(1, NonceBytes));
        aes.Encrypt(
            all.AsSpan(1, NonceBytes),
            secret,
            all.AsSpan(Head),
            all.AsSpan(1 + NonceBytes, TagBytes),
            Encoding.ASCII.GetBytes(identity)
        );
        return all;
    }

    /// <exception cref="InvalidOperationException">There is no key to open it with.</exception>
    /// <exception cref="TelemetryStoreException">It was sealed with another key, or for another identity.</exception>
    public static byte[] Open(string? credentialKey, string identity, ReadOnlySpan<byte> all)
    {
        using var aes = Open(credentialKey);
        try
        {
            if (all.Length < Head || all[0] != Version)
                throw new CryptographicException("It is of no known form.");
            var secret = new byte[all.Length - Head];
            aes.Decrypt(
                all.Slice(1, NonceBytes),
                all[Head..],
                all.Slice(1 + NonceBytes, TagBytes),
                secret,
                Encoding.ASCII.GetBytes(identity)
            );
            return secret;
        }
        catch (CryptographicException e)
        {
            throw new TelemetryStoreException(
                "A pre-shared key cannot be opened: it was sealed with another CredentialKey. Configure that one, or give the device a new key.",
                isTransient: false,
                e
            );
        }
    }

    private static AesGcm Open(string? credentialKey) =>
        new(
            Convert.FromBase64String(
                credentialKey
                    ?? throw new InvalidOperationException(
                        "Pre-shared keys need a key to be sealed with: set the store's option CredentialKey to 32 random bytes in Base64 (openssl rand -base64 32)."
                    )
            ),
            TagBytes
        );
}
