using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Conformance;

/// <summary>Takes every certificate for one that was issued to the <c>device@tenant</c> its subject names. Make the store under test with it.</summary>
public sealed class TrustingVerifier : IIssuedCertificateVerifier
{
    /// <inheritdoc/>
    public ValueTask<DeviceIdentity?> VerifyAsync(DeviceCredential credential, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(credential);
        using var certificate = X509CertificateLoader.LoadCertificate(credential.Certificate.Span);
        var name = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        return ValueTask.FromResult<DeviceIdentity?>(
            DeviceCredential.TrySplitUserName(name, out var device, out var tenant) ? new DeviceIdentity(tenant, device) : null
        );
    }
}
