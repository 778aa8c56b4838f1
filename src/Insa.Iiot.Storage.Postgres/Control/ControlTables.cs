namespace Insa.Iiot.Storage.Postgres.Control;

/// <summary>Where records of a scope are.</summary>
/// <param name="Record">The table of records.</param>
/// <param name="Key">The table of their keys.</param>
/// <param name="Scope">The predicate for the scope's own rows: the same that row-level security has.</param>
/// <param name="Columns">The columns that an insert begins with.</param>
/// <param name="Values">Their values.</param>
internal sealed record ControlTables(string Record, string Key, string Scope, string Columns, string Values)
{
    private static readonly ControlTables Tenants = new(
        "iiot.control_record",
        "iiot.control_key",
        $"tenant_no = {TenantBatch.Number}",
        "tenant_no, ",
        $"{TenantBatch.Number}, "
    );

    private static readonly ControlTables Platform = new(
        "iiot.platform_record",
        "iiot.platform_key",
        "kind = (select nullif(current_setting('iiot.platform_kind', true), ''))",
        "",
        ""
    );

    public static ControlTables Of(ControlScope scope) => scope.IsPlatform ? Platform : Tenants;
}
