namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>The folders of certificates, laid out as OPC UA products have them.</summary>
internal sealed class CertificateFolders(string root)
{
    public string OwnCertificates { get; } = Path.Combine(root, "own", "certs");

    public string OwnKeys { get; } = Path.Combine(root, "own", "private");

    /// <summary>Client applications that may open channels, and authorities of such.</summary>
    public string Trusted { get; } = Path.Combine(root, "trusted");

    public string Issuer { get; } = Path.Combine(root, "issuer");

    /// <summary>Users that may sign in by certificate, and authorities of such.</summary>
    public string TrustedUser { get; } = Path.Combine(root, "trustedUser");

    public string IssuerUser { get; } = Path.Combine(root, "issuerUser");

    public string Rejected { get; } = Path.Combine(root, "rejected", "certs");

    public static string CertificatesOf(string folder) => Path.Combine(folder, "certs");

    public static string RevocationsOf(string folder) => Path.Combine(folder, "crl");

    /// <exception cref="IOException">A folder cannot be made.</exception>
    public void Create()
    {
        foreach (var folder in new[] { Trusted, Issuer, TrustedUser, IssuerUser })
        {
            Directory.CreateDirectory(CertificatesOf(folder));
            Directory.CreateDirectory(RevocationsOf(folder));
        }

        Directory.CreateDirectory(OwnCertificates);
        Directory.CreateDirectory(Rejected);
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(OwnKeys);
        else
            Directory.CreateDirectory(OwnKeys, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
