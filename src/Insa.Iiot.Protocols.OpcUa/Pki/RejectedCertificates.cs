using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>Keeps the last few certificates that were refused, so that an operator can move one to the trusted ones. Thread-safe.</summary>
internal sealed class RejectedCertificates(string folder, int most, TimeProvider time, ILogger logger)
{
    // A flood of made-up certificates neither wears the disk nor pushes out what came before it at once.
    private static readonly TimeSpan WriteInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private long _wroteAt;
    private bool _hasWritten;

    /// <returns>Whether it is kept from now on.</returns>
    public bool TryAdd(X509Certificate2 certificate)
    {
        if (most == 0)
            return false;
        lock (_lock)
        {
            if (_hasWritten && time.GetElapsedTime(_wroteAt) < WriteInterval)
                return false;
            try
            {
                var path = Path.Combine(folder, CertificateFileName.Of(certificate) + ".der");
                if (File.Exists(path))
                    return false;
                var oldest = new DirectoryInfo(folder).GetFiles("*.der").OrderByDescending(file => file.LastWriteTimeUtc).Skip(most - 1);
                foreach (var file in oldest)
                    file.Delete();
                File.WriteAllBytes(path, certificate.RawDataMemory.Span);
                (_hasWritten, _wroteAt) = (true, time.GetTimestamp());
                return true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                logger.RejectedNotKept(e, folder);
                return false;
            }
        }
    }
}
