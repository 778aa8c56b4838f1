using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>Reads who is trusted from two folders, and again when they have changed: a client is let in or out without a restart. Thread-safe.</summary>
internal sealed class TrustStore(string trusted, string issuer, TimeProvider time, ILogger logger)
{
    // A certificate of an authority, or the revocation list of a large one.
    private const int MaxFileBytes = 4 * 1024 * 1024;
    private const string PemCertificate = "CERTIFICATE";
    private const string PemRevocations = "X509 CRL";

    // Folders are looked at no more often than this, whoever tries to connect.
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private TrustList _list = TrustList.Empty;
    private string _stamp = "";
    private long _lookedAt;
    private bool _hasLooked;

    /// <summary>The list as the folders are now, or were a second ago.</summary>
    public TrustList Read()
    {
        lock (_lock)
        {
            if (_hasLooked && time.GetElapsedTime(_lookedAt) < LookInterval)
                return _list;
            (_hasLooked, _lookedAt) = (true, time.GetTimestamp());
            try
            {
                var stamp = string.Concat(Folders.SelectMany(Files).Select(f => $"{f.FullName}|{f.Length}|{f.LastWriteTimeUtc.Ticks};"));
                if (stamp != _stamp)
                    (_list, _stamp) = (Load(), stamp);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // What was trusted stays so until the folders can be read again.
                logger.TrustListUnreadable(e, trusted);
            }

            return _list;
        }
    }

    private IEnumerable<string> Folders =>
        [
            CertificateFolders.CertificatesOf(trusted),
            CertificateFolders.RevocationsOf(trusted),
            CertificateFolders.CertificatesOf(issuer),
            CertificateFolders.RevocationsOf(issuer),
        ];

    private static IEnumerable<FileInfo> Files(string folder) =>
        Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFiles().OrderBy(file => file.Name, StringComparer.Ordinal) : [];

    private TrustList Load() =>
        new(
            LoadCertificates(CertificateFolders.CertificatesOf(trusted)),
            LoadCertificates(CertificateFolders.CertificatesOf(issuer)),
            [.. LoadRevocations(CertificateFolders.RevocationsOf(trusted)), .. LoadRevocations(CertificateFolders.RevocationsOf(issuer))]
        );

    private List<X509Certificate2> LoadCertificates(string folder)
    {
        var certificates = new List<X509Certificate2>();
        foreach (var file in Files(folder))
        {
            try
            {
                foreach (var der in ReadDer(file, PemCertificate))
                    certificates.Add(X509CertificateLoader.LoadCertificate(der));
            }
            catch (CryptographicException)
            {
                logger.TrustFileIgnored(file.FullName);
            }
        }

        return certificates;
    }

    private List<RevocationList> LoadRevocations(string folder)
    {
        var lists = new List<RevocationList>();
        foreach (var file in Files(folder))
        {
            foreach (var der in ReadDer(file, PemRevocations))
            {
                if (RevocationList.TryRead(der) is { } list)
                    lists.Add(list);
                else
                    logger.TrustFileIgnored(file.FullName);
            }
        }

        return lists;
    }

    private List<byte[]> ReadDer(FileInfo file, string label)
    {
        if (file.Length is 0 or > MaxFileBytes)
        {
            logger.TrustFileIgnored(file.FullName);
            return [];
        }

        var bytes = File.ReadAllBytes(file.FullName);

        // DER begins with a SEQUENCE; all else is taken for PEM.
        return bytes[0] == 0x30 ? [bytes] : ReadPem(System.Text.Encoding.ASCII.GetString(bytes), label);
    }

    private static List<byte[]> ReadPem(ReadOnlySpan<char> text, string label)
    {
        var found = new List<byte[]>();
        while (PemEncoding.TryFind(text, out var fields))
        {
            if (text[fields.Label].SequenceEqual(label))
                found.Add(Convert.FromBase64String(text[fields.Base64Data].ToString()));
            text = text[fields.Location.End..];
        }

        return found;
    }
}
