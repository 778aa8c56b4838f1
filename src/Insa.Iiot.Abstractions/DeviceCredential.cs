namespace Insa.Iiot;

/// <summary>What a device shows to prove who it is. Its text form never holds the secret.</summary>
public sealed class DeviceCredential
{
    private DeviceCredential(
        DeviceCredentialKind kind,
        string? userName,
        ReadOnlyMemory<byte> password = default,
        ReadOnlyMemory<byte> certificateSha256 = default
    ) => (Kind, UserName, Password, CertificateSha256) = (kind, userName, password, certificateSha256);

    /// <summary>What it is.</summary>
    public DeviceCredentialKind Kind { get; }

    /// <summary>The user name or identity <c>device@tenant</c>, if one was given.</summary>
    public string? UserName { get; }

    /// <summary>The password's bytes; empty for other kinds.</summary>
    public ReadOnlyMemory<byte> Password { get; }

    /// <summary>SHA-256 over the DER of the client certificate, whose key the transport has verified; empty for other kinds.</summary>
    public ReadOnlyMemory<byte> CertificateSha256 { get; }

    /// <summary>A user name and password.</summary>
    public static DeviceCredential FromPassword(string userName, ReadOnlyMemory<byte> password)
    {
        ArgumentNullException.ThrowIfNull(userName);
        return new(DeviceCredentialKind.Password, userName, password);
    }

    /// <summary>
    /// A client certificate, with the user name if the device also sent one. A user name has to be that of a device it stands for; without one it
    /// has to be registered by a single tenant.
    /// </summary>
    public static DeviceCredential FromCertificate(ReadOnlyMemory<byte> certificateSha256, string? userName = null) =>
        new(DeviceCredentialKind.Certificate, userName, certificateSha256: certificateSha256);

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
