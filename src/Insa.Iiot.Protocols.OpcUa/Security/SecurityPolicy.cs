using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Insa.Iiot.Protocols.OpcUa.Security;

/// <summary>The algorithms of a secure channel (Part 7). Policies with SHA-1 signatures or PKCS#1 v1.5 encryption are not offered: what is not there cannot be attacked.</summary>
internal sealed class SecurityPolicy
{
    private const string Prefix = "http://opcfoundation.org/UA/SecurityPolicy#";
    private const string RsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    private const string RsaPssSha256 = "http://opcfoundation.org/UA/security/rsa-pss-sha2-256";
    private const string OaepSha1 = "http://www.w3.org/2001/04/xmlenc#rsa-oaep";
    private const string OaepSha256 = "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256";

    /// <summary>The bits of an RSA key that all policies but None take.</summary>
    public const int MinKeyBits = 2048;
    public const int MaxKeyBits = 4096;

    /// <summary>HMAC-SHA256.</summary>
    public const int SymmetricSignatureBytes = 32;
    public const int SymmetricBlockBytes = 16;
    public const int NonceBytes = 32;

    private SecurityPolicy(string name) => (Name, Uri, UriUtf8) = (name, Prefix + name, System.Text.Encoding.ASCII.GetBytes(Prefix + name));

    public static SecurityPolicy None { get; } = new("None");

    public static SecurityPolicy Basic256Sha256 { get; } =
        new("Basic256Sha256")
        {
            Policy = OpcUaSecurityPolicy.Basic256Sha256,
            SignaturePadding = RSASignaturePadding.Pkcs1,
            SignatureUri = RsaSha256,
            EncryptionPadding = RSAEncryptionPadding.OaepSHA1,
            EncryptionUri = OaepSha1,
            EncryptionOverheadBytes = 42,
            EncryptingKeyBytes = 32,
            Level = 2,
        };

    public static SecurityPolicy Aes128Sha256RsaOaep { get; } =
        new("Aes128_Sha256_RsaOaep")
        {
            Policy = OpcUaSecurityPolicy.Aes128Sha256RsaOaep,
            SignaturePadding = RSASignaturePadding.Pkcs1,
            SignatureUri = RsaSha256,
            EncryptionPadding = RSAEncryptionPadding.OaepSHA1,
            EncryptionUri = OaepSha1,
            EncryptionOverheadBytes = 42,
            EncryptingKeyBytes = 16,
            Level = 1,
        };

    public static SecurityPolicy Aes256Sha256RsaPss { get; } =
        new("Aes256_Sha256_RsaPss")
        {
            Policy = OpcUaSecurityPolicy.Aes256Sha256RsaPss,
            SignaturePadding = RSASignaturePadding.Pss,
            SignatureUri = RsaPssSha256,
            EncryptionPadding = RSAEncryptionPadding.OaepSHA256,
            EncryptionUri = OaepSha256,
            EncryptionOverheadBytes = 66,
            EncryptingKeyBytes = 32,
            Level = 3,
        };

    /// <summary>Weakest first.</summary>
    public static IReadOnlyList<SecurityPolicy> All { get; } = [None, Aes128Sha256RsaOaep, Basic256Sha256, Aes256Sha256RsaPss];

    public string Name { get; }

    public string Uri { get; }

    public byte[] UriUtf8 { get; }

    public bool IsNone => EncryptingKeyBytes == 0;

    /// <summary>Its name in the options; of None there is none.</summary>
    public OpcUaSecurityPolicy Policy { get; private init; }

    public RSASignaturePadding SignaturePadding { get; private init; } = RSASignaturePadding.Pkcs1;

    public string SignatureUri { get; private init; } = "";

    public RSAEncryptionPadding EncryptionPadding { get; private init; } = RSAEncryptionPadding.OaepSHA256;

    public string EncryptionUri { get; private init; } = "";

    /// <summary>What OAEP takes of a block (RFC 8017 §7.1).</summary>
    public int EncryptionOverheadBytes { get; private init; }

    public int EncryptingKeyBytes { get; private init; }

    /// <summary>How it ranks among the others; 0 for None.</summary>
    public byte Level { get; private init; }

    public static bool TryFind(ReadOnlySpan<byte> uriUtf8, [NotNullWhen(true)] out SecurityPolicy? policy)
    {
        foreach (var candidate in All)
        {
            if (uriUtf8.SequenceEqual(candidate.UriUtf8))
            {
                policy = candidate;
                return true;
            }
        }

        policy = null;
        return false;
    }

    public override string ToString() => Name;
}
