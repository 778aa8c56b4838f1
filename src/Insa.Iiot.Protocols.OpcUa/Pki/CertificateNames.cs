using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>The names in a certificate that say whose it is.</summary>
internal static class CertificateNames
{
    private const string SubjectAlternativeName = "2.5.29.17";
    private const string CommonNameOid = "2.5.4.3";

    private static readonly Asn1Tag Email = new(TagClass.ContextSpecific, 1);
    private static readonly Asn1Tag Uri = new(TagClass.ContextSpecific, 6);

    /// <summary>Whether a certificate has an application URI, byte for byte.</summary>
    public static bool HasApplicationUri(X509Certificate2 certificate, string uri)
    {
        var expected = System.Text.Encoding.UTF8.GetBytes(uri);
        return Read(certificate, Uri).Any(value => value.AsSpan().SequenceEqual(expected));
    }

    /// <summary>The application URIs of a certificate, as text for a log.</summary>
    public static IReadOnlyList<string> ApplicationUris(X509Certificate2 certificate) =>
        [.. Read(certificate, Uri).Select(System.Text.Encoding.UTF8.GetString)];

    /// <summary>The e-mail address; <see langword="null"/> unless there is exactly one.</summary>
    public static string? FindEmail(X509Certificate2 certificate) =>
        Read(certificate, Email) is [var only] ? System.Text.Encoding.ASCII.GetString(only) : null;

    /// <summary>The subject's first common name.</summary>
    public static string? FindCommonName(X509Certificate2 certificate)
    {
        try
        {
            foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
            {
                if (!part.HasMultipleElements && part.GetSingleElementType().Value == CommonNameOid)
                    return part.GetSingleElementValue();
            }
        }
        catch (CryptographicException)
        {
            // Not every name that a certificate can have is one that can be read.
        }

        return null;
    }

    private static List<byte[]> Read(X509Certificate2 certificate, Asn1Tag wanted)
    {
        var found = new List<byte[]>();
        if (certificate.Extensions[SubjectAlternativeName] is not { } extension)
            return found;
        try
        {
            var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                if (names.PeekTag().HasSameClassAndValue(wanted))
                    found.Add(System.Text.Encoding.ASCII.GetBytes(names.ReadCharacterString(UniversalTagNumber.IA5String, wanted)));
                else
                    names.ReadEncodedValue();
            }
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            found.Clear();
        }

        return found;
    }
}
