using System.Security.Cryptography;

namespace Insa.Iiot.Protocols.OpcUa.Security;

/// <summary>P_SHA256 (Part 6 §6.7.5, as in RFC 5246 §5).</summary>
internal static class KeyDerivation
{
    private const int HashBytes = SHA256.HashSizeInBytes;

    // Nonces are checked to be no longer before.
    private const int MaxSeedBytes = 256;

    /// <summary>Fills <paramref name="output"/>.</summary>
    public static void PSha256(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> seed, Span<byte> output)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(seed.Length, MaxSeedBytes);
        Span<byte> block = stackalloc byte[HashBytes + MaxSeedBytes];
        Span<byte> hash = stackalloc byte[HashBytes];
        var a = block[..HashBytes];
        seed.CopyTo(block[HashBytes..]);
        HMACSHA256.HashData(secret, seed, a);
        while (!output.IsEmpty)
        {
            HMACSHA256.HashData(secret, block[..(HashBytes + seed.Length)], hash);
            var length = Math.Min(HashBytes, output.Length);
            hash[..length].CopyTo(output);
            output = output[length..];
            HMACSHA256.HashData(secret, a, hash);
            hash.CopyTo(a);
        }

        CryptographicOperations.ZeroMemory(block);
        CryptographicOperations.ZeroMemory(hash);
    }
}
