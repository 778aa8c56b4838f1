namespace Insa.Iiot.Tenancy.Audit;

/// <summary>An entry as it is stored and exported.</summary>
/// <param name="Sequence">Its place, from 1: one more than the index of its leaf.</param>
/// <param name="Time">When, UTC.</param>
/// <param name="Action">What was done.</param>
/// <param name="Actor">Who did it.</param>
/// <param name="Target">What to.</param>
/// <param name="SourceAddress">From where.</param>
/// <param name="Details">What else.</param>
/// <param name="Leaf">Its leaf's hash, so that an altered entry is told by itself.</param>
/// <param name="Refusal">Why not.</param>
internal sealed record AuditRecord(
    long Sequence,
    DateTime Time,
    string Action,
    AuditTextRecord Actor,
    AuditTextRecord Target,
    AuditTextRecord SourceAddress,
    AuditDetailsRecord Details,
    byte[] Leaf,
    string? Refusal = null
)
{
    public bool IsWellFormed =>
        Time.Kind == DateTimeKind.Utc
        && Actor.IsWellFormed
        && Target.IsWellFormed
        && SourceAddress.IsWellFormed
        && Details.IsWellFormed
        && Leaf.Length == MerkleHash.Length;

    public AuditFields Redacted =>
        (Actor.IsRedacted ? AuditFields.Actor : AuditFields.None)
        | (Target.IsRedacted ? AuditFields.Target : AuditFields.None)
        | (SourceAddress.IsRedacted ? AuditFields.SourceAddress : AuditFields.None)
        | (Details.IsRedacted ? AuditFields.Details : AuditFields.None);

    /// <summary>The same with its place and leaf in a log.</summary>
    public AuditRecord At(string origin, long sequence)
    {
        var placed = this with { Sequence = sequence };
        return placed with { Leaf = placed.ComputeLeaf(origin) };
    }

    public byte[] ComputeLeaf(string origin) => MerkleHash.OfLeaf(AuditEncoding.Encode(origin, this));

    public AuditRecord Redact(AuditFields fields) =>
        this with
        {
            Actor = fields.HasFlag(AuditFields.Actor) ? Actor.Redact(AuditFields.Actor) : Actor,
            Target = fields.HasFlag(AuditFields.Target) ? Target.Redact(AuditFields.Target) : Target,
            SourceAddress = fields.HasFlag(AuditFields.SourceAddress) ? SourceAddress.Redact(AuditFields.SourceAddress) : SourceAddress,
            Details = fields.HasFlag(AuditFields.Details) ? Details.Redact() : Details,
        };

    public AuditEntry ToEntry() =>
        new()
        {
            Sequence = Sequence,
            Time = Time,
            Actor = Actor.Value,
            Action = Action,
            Target = Target.Value,
            Refusal = Refusal,
            SourceAddress = SourceAddress.Value,
            Details = (Details.Values ?? []).ToDictionary(detail => detail.Name, detail => detail.Value, StringComparer.Ordinal),
            Redacted = Redacted,
        };
}
