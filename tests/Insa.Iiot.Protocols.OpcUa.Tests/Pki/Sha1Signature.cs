using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Pki;

/// <summary>Signs by SHA-1, as nobody should.</summary>
internal sealed class Sha1Signature(RSA key) : X509SignatureGenerator
{
    // sha1WithRSAEncryption.
    public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) =>
        Convert.FromHexString("300D06092A864886F70D0101050500");

    public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) =>
        key.SignData(data, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);

    protected override PublicKey BuildPublicKey() => CreateForRSA(key, RSASignaturePadding.Pkcs1).PublicKey;
}
