namespace Insa.Iiot.Tenancy;

/// <summary>Proves that a log only grew from one size to another (RFC 9162 §2.1.4): see <see cref="AuditVerifier.IsConsistent"/>.</summary>
/// <param name="OldSize">How many entries it had.</param>
/// <param name="Size">How many it had later.</param>
/// <param name="Path">The hashes.</param>
public sealed record AuditConsistencyProof(long OldSize, long Size, IReadOnlyList<ReadOnlyMemory<byte>> Path);
