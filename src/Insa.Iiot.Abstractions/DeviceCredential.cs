namespace Insa.Iiot;

/// <summary>What a device shows to prove who it is. Its text form never holds the secret.</summary>
public sealed class DeviceCredential
{
    private DeviceCredential(string? userName, ReadOnlyMemory<byte> password, ReadOnlyMemory<byte> certificateSha256) =>
        (UserName, Password, CertificateSha256) = (userName, password, certificateSha256);

    /// <summary>The user name <c>device@tenant</c>, if one was given.</summary>
    public string? UserName { get; }

    /// <summary>The password's bytes; empty for a certificate.</summary>
    public ReadOnlyMemory<byte> Password { get; }

    /// <summary>SHA-256 over the DER of the client certificate, whose key the transport has verified; empty for a password.</summary>
    public ReadOnlyMemory<byte> CertificateSha256 { get; }

    /// <summary>A user name and password.</summary>
    public static DeviceCredential FromPassword(string userName, ReadOnlyMemory<byte> password)
    {
        ArgumentNullException.ThrowIfNull(userName);
        return new(userName, password, default);
    }

    /// <summary>A client certificate, with the user name if the device also sent one.</summary>
    public static DeviceCredential FromCertificate(ReadOnlyMemory<byte> certificateSha256, string? userName = null) =>
        new(userName, default, certificateSha256);

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
    public override string ToString() => CertificateSha256.IsEmpty ? "password credential" : "certificate credential";
}
