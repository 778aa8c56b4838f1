namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>What is wrong with a certificate (Part 4 §6.1.3).</summary>
internal enum CertificateProblem
{
    None,

    /// <summary>It cannot be read, has no subject, or its signature is not its issuer's.</summary>
    Invalid,

    /// <summary>An issuer is not at hand.</summary>
    ChainIncomplete,

    /// <summary>Neither it nor any of its issuers is trusted.</summary>
    Untrusted,
    Revoked,
    IssuerRevoked,

    /// <summary>Its issuer's revocation list is not at hand, or too old.</summary>
    RevocationUnknown,
    IssuerRevocationUnknown,
    TimeInvalid,
    IssuerTimeInvalid,
    UseNotAllowed,
    IssuerUseNotAllowed,

    /// <summary>Its key is too short or too long, or its signature is by SHA-1.</summary>
    PolicyCheckFailed,
    UriInvalid,
}
