using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Tenancy.Access;

/// <summary>Reads from a client certificate which device it stands for, if an authority of that device's tenant issued it.</summary>
internal sealed class IssuedCertificateVerifier(DeviceAuthorities authorities, TimeProvider time) : IIssuedCertificateVerifier
{
    public async ValueTask<DeviceIdentity?> VerifyAsync(DeviceCredential credential, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(credential);
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(credential.Certificate.Span);
            return
                Read(certificate, credential.UserName) is { } identity
                && await IsTrustedAsync(certificate, identity.Tenant, cancellationToken).ConfigureAwait(false)
                ? identity
                : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    // The tenant is said by the certificate or the user name, never found by the issuer: another tenant may trust the same one.
    private static DeviceIdentity? Read(X509Certificate2 certificate, string? userName)
    {
        if (IssuedCertificate.FindCommonName(certificate) is not { } name)
            return null;
        var isWhole = name.Contains('@', StringComparison.Ordinal);
        if (!DeviceCredential.TrySplitUserName(isWhole ? name : userName, out var device, out var tenant))
            return null;
        var isSame = isWhole ? userName is null || userName == name : device.Value == name;
        return isSame ? new DeviceIdentity(tenant, device) : null;
    }

    private async ValueTask<bool> IsTrustedAsync(X509Certificate2 certificate, TenantId tenant, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().UtcDateTime;
        foreach (var record in await authorities.ReadAsync(tenant, cancellationToken).ConfigureAwait(false))
        {
            using var authority = X509CertificateLoader.LoadCertificate(record.Certificate);
            if (
                !authority.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData)
                || !IssuedCertificate.IsIssuedBy(certificate, authority, now)
            )
                continue;
            return await authorities.FindRevokedAsync(tenant, record.Id, certificate.SerialNumber, cancellationToken).ConfigureAwait(false)
                is null;
        }

        return false;
    }
}
