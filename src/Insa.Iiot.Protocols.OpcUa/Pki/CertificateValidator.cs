using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.Security;

namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>Decides on certificates that peers show (Part 4 §6.1.3). Looks at nothing but the lists it is given: nothing is fetched.</summary>
internal sealed class CertificateValidator(bool requiresRevocationLists, bool ignoresTimes, TimeProvider time)
{
    private const int MaxChain = 8;
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const string AnyUse = "2.5.29.37.0";

    /// <summary>Finds the first problem, in the order in which they matter.</summary>
    public CertificateProblem Validate(CertificateChain shown, TrustList list, CertificateUse use)
    {
        try
        {
            return Check(shown, list, use);
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException)
        {
            return CertificateProblem.Invalid;
        }
    }

    private CertificateProblem Check(CertificateChain shown, TrustList list, CertificateUse use)
    {
        var leaf = shown.Leaf;
        if (!leaf.SubjectName.EnumerateRelativeDistinguishedNames().Any())
            return CertificateProblem.Invalid;

        var chain = new List<X509Certificate2>(MaxChain) { leaf };
        var problem = Complete(chain, shown, list, out var isWeak);
        if (problem != CertificateProblem.None)
            return problem;
        if (!chain.Exists(list.IsTrusted))
            return CertificateProblem.Untrusted;

        var now = time.GetUtcNow().UtcDateTime;
        problem = CheckRevocations(chain, list, now);
        if (problem == CertificateProblem.None && !ignoresTimes)
            problem = CheckTimes(chain, now);
        if (problem == CertificateProblem.None)
            problem = CheckUse(chain, use);
        if (problem == CertificateProblem.None && (isWeak || !HasSuitableKey(leaf)))
            problem = CertificateProblem.PolicyCheckFailed;
        return problem;
    }

    // Up to a certificate that has issued itself. The signature of a certificate whose issuer is not known is never computed: that is work a stranger could ask for.
    private static CertificateProblem Complete(List<X509Certificate2> chain, CertificateChain shown, TrustList list, out bool isWeak)
    {
        isWeak = false;
        if (IsSelfIssued(chain[0]) && !list.IsTrusted(chain[0]))
            return CertificateProblem.Untrusted;
        while (true)
        {
            var signed = SignedData.Read(chain[^1].RawDataMemory);
            if (IsSelfIssued(chain[^1]))
            {
                // The signature of an authority upon itself proves nothing, and may be as weak as it likes.
                isWeak |= chain.Count == 1 && signed.IsWeak;
                return signed.IsSignedBy(chain[^1]) ? CertificateProblem.None : CertificateProblem.Invalid;
            }

            isWeak |= signed.IsWeak;
            var named = shown.Issuers.Concat(list.Trusted).Concat(list.Issuers).Where(c => IsNamedIssuer(c, chain[^1])).ToList();
            if (named.Count == 0 || chain.Count == MaxChain)
                return CertificateProblem.ChainIncomplete;
            if (named.Find(signed.IsSignedBy) is not { } issuer)
                return CertificateProblem.Invalid;
            chain.Add(issuer);
        }
    }

    private static bool IsSelfIssued(X509Certificate2 certificate) => IsNamedIssuer(certificate, certificate);

    private static bool IsNamedIssuer(X509Certificate2 issuer, X509Certificate2 certificate) =>
        issuer.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    private CertificateProblem CheckRevocations(List<X509Certificate2> chain, TrustList list, DateTime now)
    {
        for (var i = 0; i + 1 < chain.Count; i++)
        {
            var current = list.Revocations.Where(r => r.IsCurrentOf(chain[i + 1], now)).ToList();
            if (current.Exists(r => r.Contains(chain[i])))
                return i == 0 ? CertificateProblem.Revoked : CertificateProblem.IssuerRevoked;
            if (current.Count == 0 && requiresRevocationLists)
                return i == 0 ? CertificateProblem.RevocationUnknown : CertificateProblem.IssuerRevocationUnknown;
        }

        return CertificateProblem.None;
    }

    private static CertificateProblem CheckTimes(List<X509Certificate2> chain, DateTime now)
    {
        for (var i = 0; i < chain.Count; i++)
        {
            if (now < chain[i].NotBefore.ToUniversalTime() || now > chain[i].NotAfter.ToUniversalTime())
                return i == 0 ? CertificateProblem.TimeInvalid : CertificateProblem.IssuerTimeInvalid;
        }

        return CertificateProblem.None;
    }

    private static CertificateProblem CheckUse(List<X509Certificate2> chain, CertificateUse use)
    {
        if (!MayBeUsed(chain[0], use))
            return CertificateProblem.UseNotAllowed;
        for (var i = 1; i < chain.Count; i++)
        {
            if (!MayIssue(chain[i], i - 1))
                return CertificateProblem.IssuerUseNotAllowed;
        }

        return CertificateProblem.None;
    }

    private static bool MayBeUsed(X509Certificate2 certificate, CertificateUse use)
    {
        var keyUsage = certificate.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault()?.KeyUsages;
        if (keyUsage is { } flags && !flags.HasFlag(X509KeyUsageFlags.DigitalSignature))
            return false;
        if (use == CertificateUse.User)
            return true;
        if (keyUsage is { } && (keyUsage & (X509KeyUsageFlags.DataEncipherment | X509KeyUsageFlags.KeyEncipherment)) == 0)
            return false;
        var purposes = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().FirstOrDefault()?.EnhancedKeyUsages;
        var wanted = use == CertificateUse.Server ? ServerAuthentication : ClientAuthentication;
        return purposes is null || purposes.OfType<Oid>().Any(purpose => purpose.Value == wanted || purpose.Value == AnyUse);
    }

    // RFC 5280 §4.2.1.9: an authority may say how many others there may be below it.
    private static bool MayIssue(X509Certificate2 certificate, int authoritiesBelow) =>
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault() is { CertificateAuthority: true } constraints
        && (!constraints.HasPathLengthConstraint || authoritiesBelow <= constraints.PathLengthConstraint)
        && (
            certificate.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault() is not { } usage
            || usage.KeyUsages.HasFlag(X509KeyUsageFlags.KeyCertSign)
        );

    private static bool HasSuitableKey(X509Certificate2 certificate)
    {
        using var rsa = certificate.GetRSAPublicKey();
        return rsa is { KeySize: >= SecurityPolicy.MinKeyBits and <= SecurityPolicy.MaxKeyBits };
    }
}
