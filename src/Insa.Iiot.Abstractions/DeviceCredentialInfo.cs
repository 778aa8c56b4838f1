namespace Insa.Iiot;

/// <summary>What may be known of a credential. Never the secret.</summary>
public sealed record DeviceCredentialInfo
{
    /// <summary>The id of a device's password, of which it has one at most.</summary>
    public const string PasswordId = "password";

    /// <summary>The id of a device's pre-shared key, of which it has one at most.</summary>
    public const string PreSharedKeyId = "psk";

    /// <summary>Names it among the device's: <see cref="PasswordId"/>, <see cref="PreSharedKeyId"/>, or a certificate's SHA-256 in lower-case hexadecimal.</summary>
    public required string Id { get; init; }

    /// <summary>What it is.</summary>
    public required DeviceCredentialKind Kind { get; init; }

    /// <summary>When the device got one of this kind, UTC; of a certificate, when it was added.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>When it was last replaced, UTC; <see langword="null"/> if never.</summary>
    public DateTime? RotatedAt { get; init; }

    /// <summary>SHA-256 over the certificate's DER, 32 bytes; empty for other kinds.</summary>
    public ReadOnlyMemory<byte> CertificateSha256 { get; init; }
}
