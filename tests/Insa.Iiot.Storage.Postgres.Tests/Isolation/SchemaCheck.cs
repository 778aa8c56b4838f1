using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests.Isolation;

/// <summary>What must hold in the catalogue so that no tenant sees another's data. Asked of the database, so that new objects are covered.</summary>
internal static class SchemaCheck
{
    // Unique across tenants by contract, and so the only names whose existence another tenant could find out.
    //   tenant_name_key: a tenant's name is how all tenants are told apart.
    //   tenant_pkey: its number is given by the store; nobody chooses it.
    private const string AcrossTenants = "'tenant_name_key', 'tenant_pkey'";

    // Says the same to every tenant, and nothing of any: which migrations were applied, how far rollups have come.
    private static readonly string[] Common = ["iiot.schema_migration", "iiot.rollup_state", "iiot.rollup_closing"];

    // No tenant's, and so without row-level security: which migrations were applied, which every host must be able to compare.
    private const string Open = "'iiot.schema_migration'";

    private const string Relations = """
        (select c.*, c.oid::regclass::text as name, c.relnamespace::regnamespace::text as schema,
          exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_no') as of_tenant
        from pg_class c where c.relnamespace in ('iiot'::regnamespace, 'iiot_data'::regnamespace))
        """;

    private const string Grants = $"""
        (select c.name, c.schema, c.relkind, c.relispartition, c.relowner, a.privilege_type as privilege,
          coalesce((select rolname from pg_roles r where r.oid = a.grantee), 'public') as role, a.grantee = c.relowner as is_owner
        from {Relations} c cross join lateral (
          select * from aclexplode(c.relacl)
          union all select e.* from pg_attribute t cross join lateral aclexplode(t.attacl) e where t.attrelid = c.oid) a)
        """;

    private const string Functions = """
        (select p.*, p.oid::regprocedure::text as name from pg_proc p
        where p.pronamespace in ('iiot'::regnamespace, 'iiot_data'::regnamespace))
        """;

    private static readonly string[] Rules =
    [
        $"""
            select name || ': row-level security is not both enabled and forced' from {Relations} c
            where schema = 'iiot' and relkind in ('r', 'p') and name not in ({Open}) and not (relrowsecurity and relforcerowsecurity)
            """,
        // Scalar sub-select, or it is evaluated for every row. One comparison with a setting each: what is not tied to a setting is open.
        """
            select format('%s: policy %s does not compare with a setting in a scalar sub-select', p.polrelid::regclass, p.polname)
            from pg_policy p cross join lateral (values (pg_get_expr(p.polqual, p.polrelid)), (pg_get_expr(p.polwithcheck, p.polrelid))) e (text)
            where e.text is not null and exists (
              select from unnest(p.polroles) r (oid) where r.oid = 0 or r.oid::regrole::text in ('iiot_app', 'iiot_writer'))
              and (e.text !~ '^\((tenant_no|name|sha256|kind) = \( SELECT [^=]*current_setting\(''iiot\.[a-z_]+''::text, true\)[^=]*\)\)$'
                or e.text ~ '\mOR\M')
            """,
        $"select format('%s: a grant on a partition (%s to %s)', name, privilege, role) from {Grants} g where relispartition and not is_owner",
        $"""
            select format('%s: a grant to the application outside of iiot (%s)', name, privilege) from {Grants} g
            where schema = 'iiot_data' and role = 'iiot_app'
            """,
        $"select format('%s: a grant to everybody (%s)', name, privilege) from {Grants} g where role = 'public'",
        $"""
            select format('%s: a grant to the writer (%s)', name, privilege) from {Grants} g
            where role = 'iiot_writer' and (name, privilege) <> ('iiot_data.telemetry_frame', 'INSERT')
            """,
        $"""
            select format('%s: a grant to the jobs on what is none of their work (%s)', name, privilege) from {Grants} g
            where role = 'iiot_jobs' and name in ('iiot.device', 'iiot.certificate', 'iiot.dead_letter')
            """,
            // TRUNCATE ignores row-level security, REFERENCES finds out what exists, TRIGGER runs as whoever writes.
            $"""
            select format('%s: a grant that steps over row-level security (%s to %s)', name, privilege, role) from {Grants} g
            where not is_owner and privilege in ('TRUNCATE', 'REFERENCES', 'TRIGGER')
            """,
        $"select format('%s: a grant on a sequence (%s to %s)', name, privilege, role) from {Grants} g where relkind = 'S' and not is_owner",
        """
            select format('schema %s: a right that is not for %s (%s)', n.nspname, coalesce(r.rolname, 'public'), a.privilege_type)
            from pg_namespace n cross join lateral aclexplode(n.nspacl) a left join pg_roles r on r.oid = a.grantee
            where n.nspname in ('iiot', 'iiot_data') and a.grantee <> n.nspowner and (
              r.rolname is null or a.privilege_type <> 'USAGE'
              or (n.nspname, r.rolname) not in (('iiot', 'iiot_app'), ('iiot', 'iiot_jobs'), ('iiot_data', 'iiot_writer'), ('iiot_data', 'iiot_jobs')))
            """,
        """
            select format('default privileges: what is made later is open to %s (%s)', coalesce(r.rolname, 'public'), a.privilege_type)
            from pg_default_acl d cross join lateral aclexplode(d.defaclacl) a left join pg_roles r on r.oid = a.grantee
            where a.grantee <> d.defaclrole
            """,
        """
            select 'default privileges: new functions are executable by everybody'
            where not exists (select from pg_default_acl where defaclrole = 'iiot_owner'::regrole and defaclobjtype = 'f' and defaclnamespace = 0)
            """,
        $"""
            select name || ': a view without security_barrier or security_invoker' from {Relations} c
            where relkind = 'v' and not coalesce(reloptions && array['security_barrier=true', 'security_invoker=true'], false)
            """,
        $"""
            select name || ': a view that does not ask for the tenant' from {Relations} c
            where relkind = 'v' and not coalesce(reloptions && array['security_invoker=true'], false) and not (of_tenant and
              pg_get_viewdef(oid) like '%tenant_no = ( SELECT (NULLIF(current_setting(''iiot.tenant''::text, true), ''''::text))::integer%')
              and name not in ('{string.Join("', '", Common)}')
            """,
        $"select name || ': a materialized view, which row-level security does not reach' from {Relations} c where relkind = 'm'",
        $"select format('%s: owned by %s', name, relowner::regrole) from {Relations} c where relowner <> 'iiot_owner'::regrole",
        $"select format('%s: owned by %s', name, proowner::regrole) from {Functions} f where proowner <> 'iiot_owner'::regrole",
        $"""
            select name || ': runs as its owner without a fixed search_path' from {Functions} f
            where prosecdef and not coalesce(proconfig && array['search_path=pg_catalog, pg_temp'], false)
            """,
        $"""
            select name || ': executable by everybody' from {Functions} f
            where proacl is null or exists (select from aclexplode(proacl) a where a.grantee = 0)
            """,
        $"""
            select name || ': runs as its owner and is executable by the application' from {Functions} f
            where prosecdef and has_function_privilege('iiot_app', oid, 'execute')
            """,
            // Numbers and times only: a writer must not be able to read a value or a name.
            $"""
            select name || ': gives the writer something to read' from {Functions} f
            where has_function_privilege('iiot_writer', oid, 'execute') and exists (
              select from unnest(array[prorettype] || coalesce(proallargtypes, array[]::oid[]), array['o'::"char"] || coalesce(proargmodes, array[]::"char"[])) o (type, mode)
              where mode in ('o', 'b', 't') and type::regtype::text not in (
                'void', 'record', 'integer', 'bigint', 'integer[]', 'boolean', 'timestamp with time zone'))
            """,
            // What jobs may call works on all tenants: it gives numbers and times, and does not know credentials and payloads.
            $"""
            select name || ': gives the jobs something to read' from {Functions} f
            where prosecdef and has_function_privilege('iiot_jobs', oid, 'execute') and (prosrc ~ '\m(device|certificate|dead_letter)\M' or exists (
              select from unnest(array[prorettype] || coalesce(proallargtypes, array[]::oid[]), array['o'::"char"] || coalesce(proargmodes, array[]::"char"[])) o (type, mode)
              where mode in ('o', 'b', 't') and type::regtype::text not in (
                'void', 'record', 'integer', 'bigint', 'boolean', 'timestamp with time zone', 'regclass')))
            """,
        $"""
            select i.indexrelid::regclass || ': unique without beginning with the tenant' from pg_index i join {Relations} c on c.oid = i.indrelid
            where i.indisunique and c.of_tenant and (select relname from pg_class x where x.oid = i.indexrelid) not in ({AcrossTenants})
              and (select attname from pg_attribute a where a.attrelid = c.oid and a.attnum = i.indkey[0]) is distinct from 'tenant_no'
            """,
        $"""
            select format('%s: foreign key %s does not include the tenant', c.name, k.conname)
            from pg_constraint k join {Relations} c on c.oid = k.conrelid join {Relations} r on r.oid = k.confrelid
            where k.contype = 'f' and c.of_tenant and r.of_tenant and not exists (
              select from unnest(k.conkey, k.confkey) p (mine, its)
              join pg_attribute m on m.attrelid = c.oid and m.attnum = p.mine and m.attname = 'tenant_no'
              join pg_attribute o on o.attrelid = r.oid and o.attnum = p.its and o.attname = 'tenant_no')
            """,
        """
            select format('role %s: super user, BYPASSRLS or able to log in', rolname) from pg_roles
            where rolname in ('iiot_owner', 'iiot_writer', 'iiot_app', 'iiot_jobs') and (rolsuper or rolbypassrls or rolcanlogin)
            """,
        """
            select format('role %s: a member of %s', member::regrole, roleid::regrole) from pg_auth_members
            where member::regrole::text in ('iiot_owner', 'iiot_writer', 'iiot_app', 'iiot_jobs')
            """,
    ];

    /// <summary>Whether what it holds is no tenant's.</summary>
    public static bool IsCommon(string relation) => Common.Contains(relation);

    /// <summary>What does not hold, one line each.</summary>
    /// <param name="connection">Of an administrator, whose transaction is looked into if it has one.</param>
    public static async Task<List<string>> FindViolationsAsync(NpgsqlConnection connection)
    {
        var violations = new List<string>();
        foreach (var rule in Rules)
        {
            await using var command = new NpgsqlCommand(rule, connection);
            await using var rows = await command.ExecuteReaderAsync();
            while (await rows.ReadAsync())
                violations.Add(rows.GetString(0));
        }

        return violations;
    }
}
