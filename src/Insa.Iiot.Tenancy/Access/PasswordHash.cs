using System.Security.Cryptography;

namespace Insa.Iiot.Tenancy.Access;

/// <summary>PBKDF2 with SHA-256 over a password (OWASP Password Storage Cheat Sheet).</summary>
internal static class PasswordHash
{
    private const int SaltBytes = 16;
    private const int HashBytes = 32;

    public static (byte[] Salt, byte[] Hash) Make(string password, int iterations)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return (salt, Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA256, HashBytes));
    }

    public static bool Matches(string password, byte[] salt, byte[] hash, int iterations) =>
        CryptographicOperations.FixedTimeEquals(
            Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA256, HashBytes),
            hash
        );
}
