using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto;
using HashAlgorithm = Org.BouncyCastle.Tls.HashAlgorithm;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>Signs a handshake with a certificate's key by .NET's own classes: the key need not be exportable.</summary>
internal sealed class CertificateSigner : TlsSigner
{
    private readonly ECDsa? _ecdsa;
    private readonly RSA? _rsa;

    private CertificateSigner(ECDsa? ecdsa, RSA? rsa) => (_ecdsa, _rsa) = (ecdsa, rsa);

    /// <summary>Makes what BouncyCastle signs with, by an algorithm that the peer takes.</summary>
    /// <param name="context">The handshake.</param>
    /// <param name="certificate">The certificate, with its private key.</param>
    /// <param name="chain">Its issuers.</param>
    /// <param name="offered">The algorithms that the peer takes.</param>
    /// <param name="isRawKey">Whether the public key is shown alone (RFC 7250).</param>
    /// <returns><see langword="null"/> if the peer takes none.</returns>
    /// <exception cref="ArgumentException">The certificate has no private key, or one of another kind.</exception>
    public static TlsCredentialedSigner? Credentials(
        TlsContext context,
        X509Certificate2 certificate,
        X509Certificate2Collection chain,
        IList<SignatureAndHashAlgorithm>? offered,
        bool isRawKey
    )
    {
        var signer = new CertificateSigner(certificate.GetECDsaPrivateKey(), certificate.GetRSAPrivateKey());
        if (signer is { _ecdsa: null, _rsa: null })
            throw new ArgumentException("The certificate needs an ECDSA or RSA private key.", nameof(certificate));
        var kind = signer._ecdsa is null ? SignatureAlgorithm.rsa : SignatureAlgorithm.ecdsa;
        var algorithm = Choose(kind, offered);
        if (algorithm is null)
            return null;

        var parameters = new TlsCryptoParameters(context);
        var shown = isRawKey ? RawKey(context, certificate) : Chain(context, certificate, chain);
        return new DefaultTlsCredentialedSigner(parameters, signer, shown, algorithm);
    }

    public byte[] GenerateRawSignature(SignatureAndHashAlgorithm algorithm, byte[] hash) =>
        _ecdsa is not null
            ? _ecdsa.SignHash(hash, DSASignatureFormat.Rfc3279DerSequence)
            : _rsa!.SignHash(hash, HashOf(algorithm), RSASignaturePadding.Pkcs1);

    public TlsStreamSigner? GetStreamSigner(SignatureAndHashAlgorithm algorithm) => null;

    private static Certificate RawKey(TlsContext context, X509Certificate2 certificate)
    {
        var key = context.Crypto.CreateCertificate(CertificateType.RawPublicKey, certificate.PublicKey.ExportSubjectPublicKeyInfo());
        return new Certificate(CertificateType.RawPublicKey, null, [new CertificateEntry(key, null)]);
    }

    private static Certificate Chain(TlsContext context, X509Certificate2 certificate, X509Certificate2Collection chain) =>
        new([
            context.Crypto.CreateCertificate(certificate.RawData),
            .. chain.Select(issuer => context.Crypto.CreateCertificate(issuer.RawData)),
        ]);

    // Who names none knows SHA-1 at least (RFC 5246 §7.4.1.4.1), which is not good enough: SHA-256 is tried.
    private static SignatureAndHashAlgorithm? Choose(short kind, IList<SignatureAndHashAlgorithm>? offered)
    {
        foreach (var hash in (ReadOnlySpan<short>)[HashAlgorithm.sha256, HashAlgorithm.sha384, HashAlgorithm.sha512])
        {
            var algorithm = SignatureAndHashAlgorithm.GetInstance(hash, kind);
            if (offered is null || offered.Contains(algorithm))
                return algorithm;
        }

        return null;
    }

    private static HashAlgorithmName HashOf(SignatureAndHashAlgorithm algorithm) =>
        algorithm.Hash switch
        {
            HashAlgorithm.sha256 => HashAlgorithmName.SHA256,
            HashAlgorithm.sha384 => HashAlgorithmName.SHA384,
            _ => HashAlgorithmName.SHA512,
        };
}
