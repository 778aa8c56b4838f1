namespace Insa.Iiot.Tenancy.Audit;

/// <summary>A line of an export: one of these.</summary>
internal sealed record AuditExportLine(AuditRecord? Entry = null, string? Checkpoint = null, AuditKeyStatement? Key = null);
