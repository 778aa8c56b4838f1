namespace Insa.Iiot.Tenancy.Audit;

internal sealed record AuditDetail(string Name, string Value);
