namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Statements that note in the tenant's audit what they change.</summary>
internal static class TenantAudit
{
    /// <summary>A change, and a line about each row of it, in one statement.</summary>
    public static string Noted(string change, string action, string subject) =>
        $"""
            with changed as ({change} returning *)
            insert into iiot.audit (tenant_no, actor, action, subject, detail)
            select tenant_no, 'host', '{action}', {subject}, to_jsonb(changed) - 'tenant_no' from changed
            """;
}
