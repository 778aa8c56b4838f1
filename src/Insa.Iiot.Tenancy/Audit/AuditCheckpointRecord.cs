namespace Insa.Iiot.Tenancy.Audit;

internal sealed record AuditCheckpointRecord(string Text);
