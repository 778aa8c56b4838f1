using System.Security.Cryptography;

namespace Insa.Iiot.Tenancy;

/// <summary>A public key of the audit logs: ECDSA with P-256 and SHA-256.</summary>
/// <param name="Id">SHA-256 of <paramref name="SubjectPublicKeyInfo"/> as 64 characters of <c>0-9 a-f</c>: what a verifying person keeps and trusts.</param>
/// <param name="SubjectPublicKeyInfo">The key (RFC 5280 §4.1), DER.</param>
/// <param name="CreatedAt">When it was made, UTC.</param>
public sealed record AuditPublicKey(string Id, ReadOnlyMemory<byte> SubjectPublicKeyInfo, DateTime CreatedAt)
{
    /// <summary>The key as PEM, for other tools.</summary>
    public string ToPem() => PemEncoding.WriteString("PUBLIC KEY", SubjectPublicKeyInfo.Span);
}
