using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>Who is trusted, as the folders said at one moment. Immutable.</summary>
/// <param name="Trusted">Certificates that are trusted, and with an authority's those it issues.</param>
/// <param name="Issuers">Certificates that only complete chains.</param>
/// <param name="Revocations">The revocation lists of all of them.</param>
internal sealed record TrustList(
    IReadOnlyList<X509Certificate2> Trusted,
    IReadOnlyList<X509Certificate2> Issuers,
    IReadOnlyList<RevocationList> Revocations
)
{
    public static TrustList Empty { get; } = new([], [], []);

    public bool IsTrusted(X509Certificate2 certificate)
    {
        foreach (var trusted in Trusted)
        {
            if (trusted.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span))
                return true;
        }

        return false;
    }
}
