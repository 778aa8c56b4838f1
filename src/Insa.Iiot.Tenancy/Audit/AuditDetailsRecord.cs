namespace Insa.Iiot.Tenancy.Audit;

/// <summary>The erasable details, by name (ordinal): themselves with their salt, or what is left of them, which is their salted hash.</summary>
internal sealed record AuditDetailsRecord(List<AuditDetail>? Values = null, byte[]? Salt = null, byte[]? Hash = null)
{
    public bool IsRedacted => Salt is null;

    public bool IsWellFormed =>
        IsRedacted
            ? Values is null && Hash is { Length: MerkleHash.Length }
            : Values is not null
                && Values.TrueForAll(detail => detail is not null)
                && Hash is null
                && Salt is { Length: AuditEncoding.SaltBytes };

    public static AuditDetailsRecord Of(IEnumerable<AuditDetail> values) =>
        new([.. values.OrderBy(detail => detail.Name, StringComparer.Ordinal)], AuditEncoding.NewSalt());

    public byte[] Commit() => Hash ?? AuditEncoding.Commit(Salt!, Values!);

    public AuditDetailsRecord Redact() => new(Hash: Commit());
}
