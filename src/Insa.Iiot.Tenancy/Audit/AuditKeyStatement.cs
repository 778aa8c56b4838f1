using System.Security.Cryptography;

namespace Insa.Iiot.Tenancy.Audit;

/// <summary>What is known of a signing key: it and the one before it, if there is one, sign that it takes that one's place.</summary>
/// <param name="Id">SHA-256 of the public key, hexadecimal.</param>
/// <param name="PublicKey">SubjectPublicKeyInfo.</param>
/// <param name="CreatedAt">When it was made, UTC.</param>
/// <param name="Signature">Its own signature.</param>
/// <param name="Previous">The id of the key before it.</param>
/// <param name="PreviousSignature">That key's signature.</param>
internal sealed record AuditKeyStatement(
    string Id,
    byte[] PublicKey,
    DateTime CreatedAt,
    byte[] Signature,
    string? Previous = null,
    byte[]? PreviousSignature = null
)
{
    private const string Format = "insa.iiot.audit.key/1";

    public static AuditKeyStatement Make(ECDsa key, DateTime createdAt, string? previousId, ECDsa? previous)
    {
        var publicKey = key.ExportSubjectPublicKeyInfo();
        var unsigned = new AuditKeyStatement(AuditSignature.IdOf(publicKey), publicKey, createdAt, [], previousId);
        return unsigned with
        {
            Signature = AuditSignature.Make(key, unsigned.ToText()),
            PreviousSignature = previous is null ? null : AuditSignature.Make(previous, unsigned.ToText()),
        };
    }

    public bool IsSelfSigned =>
        CreatedAt.Kind == DateTimeKind.Utc
        && AuditSignature.IdOf(PublicKey) == Id
        && AuditSignature.Matches(PublicKey, ToText(), Signature)
        && (Previous is null) == (PreviousSignature is null);

    public bool IsSignedBy(AuditKeyStatement previous) =>
        previous.Id == Previous && AuditSignature.Matches(previous.PublicKey, ToText(), PreviousSignature!);

    public AuditPublicKey ToPublicKey() => new(Id, PublicKey, CreatedAt);

    private string ToText() => $"{Format}\nkey {Id}\ntime {AuditEncoding.ToText(CreatedAt)}\nprevious {Previous ?? "none"}\n";
}
