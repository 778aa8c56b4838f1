using System.Buffers.Text;
using System.Security.Cryptography;

namespace Insa.Iiot.Storage;

/// <summary>Makes and checks device secrets.</summary>
/// <remarks>A secret is 256 random bits, never chosen by people, so one salted SHA-256 is as good as a slow hash, and a storm of reconnects costs nothing.</remarks>
internal static class SecretHash
{
    public const int SaltBytes = 16;

    private static readonly byte[] NobodysSalt = RandomNumberGenerator.GetBytes(SaltBytes);
    private static readonly byte[] NobodysHash = RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes);

    public static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public static byte[] Hash(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> secret)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha.AppendData(salt);
        sha.AppendData(secret);
        return sha.GetHashAndReset();
    }

    /// <summary>Compares in constant time; with no hash it does the same work and says no.</summary>
    public static bool Matches(byte[]? salt, byte[]? hash, ReadOnlySpan<byte> secret) =>
        CryptographicOperations.FixedTimeEquals(Hash(salt ?? NobodysSalt, secret), hash ?? NobodysHash) && hash is not null;
}
