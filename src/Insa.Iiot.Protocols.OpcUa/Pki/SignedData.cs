using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>What an authority has signed, a certificate or a revocation list: the three parts that both have (RFC 5280 §4.1.1, §5.1.1).</summary>
internal sealed class SignedData
{
    private const string RsaPss = "1.2.840.113549.1.1.10";
    private const string Sha1 = "1.3.14.3.2.26";

    private readonly HashAlgorithmName _hash;
    private readonly RSASignaturePadding? _padding;
    private readonly byte[] _signature;

    private SignedData(ReadOnlyMemory<byte> content, HashAlgorithmName hash, RSASignaturePadding? padding, byte[] signature) =>
        (Content, _hash, _padding, _signature) = (content, hash, padding, signature);

    /// <summary>What is signed.</summary>
    public ReadOnlyMemory<byte> Content { get; }

    /// <summary>Whether the signature is by SHA-1, which can be forged.</summary>
    public bool IsWeak => _hash == HashAlgorithmName.SHA1;

    /// <exception cref="AsnContentException">It is none.</exception>
    /// <exception cref="CryptographicException">The algorithm is not known.</exception>
    public static SignedData Read(ReadOnlyMemory<byte> der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var parts = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var content = parts.ReadEncodedValue();
        var algorithm = parts.ReadSequence();
        var signature = parts.ReadBitString(out _);
        parts.ThrowIfNotEmpty();
        var oid = algorithm.ReadObjectIdentifier();
        var (hash, padding) = oid switch
        {
            "1.2.840.113549.1.1.5" => (HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1),
            "1.2.840.113549.1.1.11" => (HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            "1.2.840.113549.1.1.12" => (HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1),
            "1.2.840.113549.1.1.13" => (HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
            "1.2.840.10045.4.1" => (HashAlgorithmName.SHA1, null),
            "1.2.840.10045.4.3.2" => (HashAlgorithmName.SHA256, null),
            "1.2.840.10045.4.3.3" => (HashAlgorithmName.SHA384, null),
            "1.2.840.10045.4.3.4" => (HashAlgorithmName.SHA512, null),
            RsaPss => (ReadPssHash(algorithm), RSASignaturePadding.Pss),
            _ => throw new CryptographicException("The signature's algorithm is not known."),
        };
        return new SignedData(content, hash, padding, signature);
    }

    /// <summary>Whether the key of <paramref name="issuer"/> has signed it.</summary>
    public bool IsSignedBy(X509Certificate2 issuer)
    {
        try
        {
            if (_padding is not null)
            {
                using var rsa = issuer.GetRSAPublicKey();
                return rsa is not null && rsa.VerifyData(Content.Span, _signature, _hash, _padding);
            }

            using var ec = issuer.GetECDsaPublicKey();
            return ec is not null && ec.VerifyData(Content.Span, _signature, _hash, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    // RFC 4055 §3.1. Without a name the hash is SHA-1.
    private static HashAlgorithmName ReadPssHash(AsnReader algorithm)
    {
        var parameters = algorithm.ReadSequence();
        var tag = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
        if (!parameters.HasData || !parameters.PeekTag().HasSameClassAndValue(tag))
            return HashAlgorithmName.SHA1;
        return parameters.ReadSequence(tag).ReadSequence().ReadObjectIdentifier() switch
        {
            Sha1 => HashAlgorithmName.SHA1,
            "2.16.840.1.101.3.4.2.1" => HashAlgorithmName.SHA256,
            "2.16.840.1.101.3.4.2.2" => HashAlgorithmName.SHA384,
            "2.16.840.1.101.3.4.2.3" => HashAlgorithmName.SHA512,
            _ => throw new CryptographicException("The signature's hash is not known."),
        };
    }
}
