namespace Insa.Iiot.Tenancy.Audit;

/// <summary>The root of a complete subtree of 256, 65,536 and so on leaves, so that proofs need not read all of them.</summary>
internal sealed record AuditNodeRecord(byte[] Hash);
