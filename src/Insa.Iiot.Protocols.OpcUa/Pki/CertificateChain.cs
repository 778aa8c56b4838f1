using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>What a peer shows: its certificate, and perhaps those of its issuers after it, one DER after the other (Part 6 §6.2.6).</summary>
internal sealed class CertificateChain : IDisposable
{
    public const int MaxBytes = 32 * 1024;
    private const int MaxCertificates = 8;

    private CertificateChain(X509Certificate2 leaf, IReadOnlyList<X509Certificate2> issuers) => (Leaf, Issuers) = (leaf, issuers);

    public X509Certificate2 Leaf { get; }

    public IReadOnlyList<X509Certificate2> Issuers { get; }

    public static bool TryRead(ReadOnlySpan<byte> der, [NotNullWhen(true)] out CertificateChain? chain)
    {
        chain = null;
        if (der.IsEmpty || der.Length > MaxBytes)
            return false;
        var certificates = new List<X509Certificate2>();
        try
        {
            while (!der.IsEmpty && certificates.Count < MaxCertificates)
            {
                AsnDecoder.ReadEncodedValue(der, AsnEncodingRules.DER, out _, out _, out var length);
                certificates.Add(X509CertificateLoader.LoadCertificate(der[..length]));
                der = der[length..];
            }
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            foreach (var certificate in certificates)
                certificate.Dispose();
            return false;
        }

        chain = new CertificateChain(certificates[0], certificates[1..]);
        return true;
    }

    public void Dispose()
    {
        Leaf.Dispose();
        foreach (var issuer in Issuers)
            issuer.Dispose();
    }
}
