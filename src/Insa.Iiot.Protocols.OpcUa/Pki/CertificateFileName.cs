using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>How files of certificates are named: <c>&lt;common name&gt; [&lt;thumbprint&gt;]</c>.</summary>
internal static class CertificateFileName
{
    private const int MaxNameLength = 64;

    /// <summary>The name without its extension. What a stranger's certificate says of itself becomes no path.</summary>
    public static string Of(X509Certificate2 certificate)
    {
        var name = CertificateNames.FindCommonName(certificate) ?? "";
        var safe = string.Concat(name.Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or ' ').Take(MaxNameLength)).Trim();
        return $"{(safe.Length == 0 ? "certificate" : safe)} [{certificate.Thumbprint}]";
    }
}
