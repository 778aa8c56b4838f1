namespace Insa.Iiot.Tenancy;

/// <summary>Proves that an entry is in a log of some size (RFC 9162 §2.1.3): see <see cref="AuditVerifier.IsIncluded"/>.</summary>
/// <param name="Entry">The entry, as a line of <see cref="AuditLog.ExportAsync"/>.</param>
/// <param name="Size">How many entries the log had.</param>
/// <param name="Path">Hashes from the entry up to the root.</param>
public sealed record AuditInclusionProof(string Entry, long Size, IReadOnlyList<ReadOnlyMemory<byte>> Path);
