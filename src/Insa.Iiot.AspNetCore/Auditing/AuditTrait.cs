namespace Insa.Iiot.AspNetCore.Auditing;

/// <summary>An endpoint whose use is logged.</summary>
/// <param name="Action">As <see cref="Insa.Iiot.Tenancy.AuditEvent.Action"/> has it.</param>
internal sealed record AuditTrait(string Action);
