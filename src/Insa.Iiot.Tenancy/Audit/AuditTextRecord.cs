namespace Insa.Iiot.Tenancy.Audit;

/// <summary>An erasable text: itself with its salt, or what is left of it, which is its salted hash.</summary>
internal sealed record AuditTextRecord(string? Value = null, byte[]? Salt = null, byte[]? Hash = null)
{
    public bool IsRedacted => Salt is null;

    public bool IsWellFormed =>
        IsRedacted ? Value is null && Hash is { Length: MerkleHash.Length } : Hash is null && Salt is { Length: AuditEncoding.SaltBytes };

    public static AuditTextRecord Of(string? value) => new(value, AuditEncoding.NewSalt());

    public byte[] Commit(AuditFields field) => Hash ?? AuditEncoding.Commit(field, Salt!, Value);

    public AuditTextRecord Redact(AuditFields field) => new(Hash: Commit(field));
}
