using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot;

/// <summary>What a device shows to prove who it is. Its text form never holds the secret.</summary>
public sealed class DeviceCredential
{
    private DeviceCredential(
        DeviceCredentialKind kind,
        string? userName,
        ReadOnlyMemory<byte> password = default,
        ReadOnlyMemory<byte> certificateSha256 = default,
        ReadOnlyMemory<byte> certificate = default
    ) => (Kind, UserName, Password, CertificateSha256, Certificate) = (kind, userName, password, certificateSha256, certificate);

    /// <summary>What it is.</summary>
    public DeviceCredentialKind Kind { get; }

    /// <summary>The user name or identity <c>device@tenant</c>, if one was given.</summary>
    public string? UserName { get; }

    /// <summary>The password's bytes; empty for other kinds.</summary>
    public ReadOnlyMemory<byte> Password { get; }

    /// <summary>
    /// SHA-256 over the DER of the client certificate, or of the SubjectPublicKeyInfo where its key was shown without one (RFC 7250); the transport has
    /// verified that the device has the key. Empty for other kinds.
    /// </summary>
    public ReadOnlyMemory<byte> CertificateSha256 { get; }

    /// <summary>The client certificate itself (DER), so that who issued it can be looked at; empty where only its hash is known, and for other kinds.</summary>
    public ReadOnlyMemory<byte> Certificate { get; }

    /// <summary>A user name and password.</summary>
    public static DeviceCredential FromPassword(string userName, ReadOnlyMemory<byte> password)
    {
        ArgumentNullException.ThrowIfNull(userName);
        return new(DeviceCredentialKind.Password, userName, password);
    }

    /// <summary>
    /// A client certificate, or the raw public key that stands in its place (RFC 7250), by its hash, with the user name if the device also sent one. A user name has to be that of a device it stands for; without one it
    /// has to be registered by a single tenant.
    /// </summary>
    public static DeviceCredential FromCertificate(ReadOnlyMemory<byte> certificateSha256, string? userName = null) =>
        new(DeviceCredentialKind.Certificate, userName, certificateSha256: certificateSha256);

    /// <summary>
    /// A client certificate whose key the transport has verified, with the user name if the device also sent one. It stands for the device that has
    /// registered it, or for the one that <see cref="IIssuedCertificateVerifier"/> reads from it.
    /// </summary>
    public static DeviceCredential FromClientCertificate(X509Certificate2 certificate, string? userName = null)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return new(
            DeviceCredentialKind.Certificate,
            userName,
            certificateSha256: SHA256.HashData(certificate.RawDataMemory.Span),
            certificate: certificate.RawDataMemory
        );
    }

    /// <summary>An identity that a handshake has proved with the key of <see cref="IDevicePskStore.FindPskAsync"/>. Nothing else may be told so: no key is checked again.</summary>
    public static DeviceCredential FromPsk(string identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return new(DeviceCredentialKind.PreSharedKey, identity);
    }

    /// <summary>Splits <c>device@tenant</c>.</summary>
    /// <returns><see langword="false"/> if <paramref name="userName"/> is not of that form.</returns>
    public static bool TrySplitUserName(string? userName, out DeviceId device, out TenantId tenant)
    {
        device = default;
        tenant = default;
        var at = userName?.LastIndexOf('@') ?? -1;
        return at > 0 && DeviceId.TryParse(userName![..at], out device) && TenantId.TryParse(userName[(at + 1)..], out tenant);
    }

    /// <returns>The kind of credential, without any of its content.</returns>
    public override string ToString() =>
        Kind switch
        {
            DeviceCredentialKind.Password => "password credential",
            DeviceCredentialKind.Certificate => "certificate credential",
            _ => "pre-shared key credential",
        };
}
