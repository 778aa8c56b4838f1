namespace Insa.Iiot.Tenancy;

/// <summary>A certificate authority whose client certificates let devices of a tenant connect.</summary>
public sealed record DeviceAuthority
{
    /// <summary>SHA-256 over the certificate's DER, in hexadecimal, small letters.</summary>
    public required string Id { get; init; }

    /// <summary>What people call it.</summary>
    public required string Name { get; init; }

    /// <summary>The certificate's subject (RFC 4514 form).</summary>
    public required string Subject { get; init; }

    /// <summary>From when on it holds, UTC.</summary>
    public required DateTime NotBefore { get; init; }

    /// <summary>Until when it holds, UTC: no device gets in by it afterwards.</summary>
    public required DateTime NotAfter { get; init; }

    /// <summary>When the tenant began to trust it, UTC.</summary>
    public required DateTime CreatedAt { get; init; }
}
