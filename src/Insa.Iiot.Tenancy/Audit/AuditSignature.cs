using System.Security.Cryptography;
using System.Text;

namespace Insa.Iiot.Tenancy.Audit;

/// <summary>ECDSA with P-256 and SHA-256 over a text, DER (RFC 3279 §2.2.3): what <c>openssl dgst -sha256 -verify</c> checks as well.</summary>
internal static class AuditSignature
{
    private const int KeyBits = 256;

    public static string IdOf(ReadOnlySpan<byte> subjectPublicKeyInfo) => Convert.ToHexStringLower(SHA256.HashData(subjectPublicKeyInfo));

    public static byte[] Make(ECDsa key, string statement) =>
        key.SignData(Encoding.UTF8.GetBytes(statement), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    /// <returns><see langword="false"/> also for what is no such key.</returns>
    public static bool Matches(ReadOnlySpan<byte> subjectPublicKeyInfo, string statement, byte[] signature)
    {
        using var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out var read);
            return read == subjectPublicKeyInfo.Length
                && key.KeySize == KeyBits
                && key.VerifyData(
                    Encoding.UTF8.GetBytes(statement),
                    signature,
                    HashAlgorithmName.SHA256,
                    DSASignatureFormat.Rfc3279DerSequence
                );
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
