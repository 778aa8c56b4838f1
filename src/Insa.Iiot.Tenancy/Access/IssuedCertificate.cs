using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Tenancy.Access;

/// <summary>What is asked of certificates that authorities issue, and of the authorities' own (RFC 5280).</summary>
internal static class IssuedCertificate
{
    private const string CommonName = "2.5.4.3";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const int MinRsaBits = 2048;
    private const int MinEcBits = 256;

    // RFC 5280: at most 20 octets.
    private const int MaxSerialDigits = 40;

    // SHA-256 to SHA-512 with RSA (RFC 4055) and ECDSA (RFC 5758): nothing that can be forged.
    private static readonly HashSet<string> StrongSignatures = new(StringComparer.Ordinal)
    {
        "1.2.840.113549.1.1.11",
        "1.2.840.113549.1.1.12",
        "1.2.840.113549.1.1.13",
        "1.2.840.10045.4.3.2",
        "1.2.840.10045.4.3.3",
        "1.2.840.10045.4.3.4",
    };

    /// <summary>Why a certificate cannot be trusted as an authority; <see langword="null"/> if it can.</summary>
    public static string? WhyNoAuthority(X509Certificate2 certificate, DateTime now)
    {
        if (
            certificate.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault() is not { CertificateAuthority: true }
            || certificate.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault() is { } usage
                && !usage.KeyUsages.HasFlag(X509KeyUsageFlags.KeyCertSign)
        )
            return "It is not the certificate of an authority: register a device's own certificate with the device.";
        if (now < certificate.NotBefore.ToUniversalTime() || now > certificate.NotAfter.ToUniversalTime())
            return "The certificate does not hold now.";
        return HasStrongKey(certificate)
            ? null
            : $"An authority has an RSA key of {MinRsaBits} bits or an elliptic one of {MinEcBits}, or more.";
    }

    /// <summary>Whether an authority has issued a certificate to a TLS client, and both hold now.</summary>
    public static bool IsIssuedBy(X509Certificate2 certificate, X509Certificate2 authority, DateTime now)
    {
        if (!StrongSignatures.Contains(certificate.SignatureAlgorithm.Value ?? ""))
            return false;
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.Add(authority);
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.VerificationTimeIgnored = false;
        policy.VerificationTime = now;
        policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));

        // An intermediate authority is trusted without its root.
        policy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
        return chain.Build(certificate)
            && chain.ChainElements.Count >= 2
            && chain.ChainElements[1].Certificate.RawDataMemory.Span.SequenceEqual(authority.RawDataMemory.Span);
    }

    /// <summary>The subject's common name; <see langword="null"/> unless there is exactly one.</summary>
    public static string? FindCommonName(X509Certificate2 certificate)
    {
        string? found = null;
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            if (part.HasMultipleElements)
                return null;
            if (part.GetSingleElementType().Value != CommonName)
                continue;
            if (found is not null)
                return null;
            found = part.GetSingleElementValue();
        }

        return found;
    }

    /// <summary>A serial number as it is kept; <see langword="null"/> if it is none.</summary>
    public static string? NormalizeSerial(string? serial)
    {
        var digits = serial?.Replace(":", "", StringComparison.Ordinal).TrimStart('0').ToUpperInvariant();
        return digits is { Length: > 0 and <= MaxSerialDigits } && digits.All(char.IsAsciiHexDigit) ? digits : null;
    }

    private static bool HasStrongKey(X509Certificate2 certificate)
    {
        using var rsa = certificate.GetRSAPublicKey();
        using var ec = certificate.GetECDsaPublicKey();
        return rsa?.KeySize >= MinRsaBits || ec?.KeySize >= MinEcBits;
    }
}
