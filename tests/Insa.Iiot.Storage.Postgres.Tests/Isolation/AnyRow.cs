using Insa.Iiot.Peers;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests.Isolation;

/// <summary>Rows for tables of which a test knows only that they are the store's.</summary>
internal static class AnyRow
{
    /// <summary>The store's own tables, without partitions.</summary>
    public const string Tables = """
        (select c.oid::regclass::text as name, c.oid, c.relkind,
          exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_no') as of_tenant
        from pg_class c where c.relnamespace in ('iiot'::regnamespace, 'iiot_data'::regnamespace) and c.relkind in ('r', 'p') and not c.relispartition
          and c.relname <> 'schema_migration')
        """;

    /// <summary>A statement that adds a row of whatever the types of a table's columns allow.</summary>
    public static async Task<string> InsertAsync(Func<string, Task<object?>> query, string table, int tenantNo, string suffix = "") =>
        (string)
            (
                await query(
                    $$"""
                    select format('insert into %s (%s) values (%s)%s', '{{table}}', string_agg(quote_ident(attname), ', ' order by attnum),
                      string_agg(case
                        when attname = 'tenant_no' then '{{tenantNo}}'
                        when attname = 'tier' then '''raw'''
                        when attname = 'sha256' then quote_literal(sha256('{{table}}{{tenantNo}}')) || '::bytea'
                        when attname = 'name' and '{{table}}' = 'iiot.tenant' then '''t{{tenantNo}}'''
                        when atttypid = 'timestamptz'::regtype then '''{{TwoTenants.Noon:O}}'''
                        when atttypid = 'interval'::regtype then '''1 day'''
                        when atttypid in ('text'::regtype, 'name'::regtype) then '''x'''
                        when atttypid = 'bytea'::regtype then '''\x00'''
                        when atttypid = 'smallint'::regtype then '1'
                        when atttypid = 'boolean'::regtype then 'true'
                        when atttypid = 'jsonb'::regtype then '''[]'''
                        when typcategory = 'A' then '''{}'''
                        else '77' end, ', ' order by attnum), '{{suffix}}')
                    from pg_attribute a join pg_type t on t.oid = a.atttypid
                    where attrelid = '{{table}}'::regclass and attnum > 0 and not attisdropped and attidentity = '' and not atthasdef
                    """
                )
            )!;

    /// <summary>Gives every table of tenants that lacks it a row of each tenant.</summary>
    public static async Task FillAsync(PostgresServer server, string database, int[] tenantNos)
    {
        // By one connection: there are hundreds of statements.
        await using var connection = new NpgsqlConnection(server.AdminConnectionString(database));
        await connection.OpenAsync();
        foreach (var table in (string[])(await QueryAsync($"select array_agg(name order by name) from {Tables} t where of_tenant"))!)
        {
            if ((long)(await QueryAsync($"select count(distinct tenant_no) from {table}"))! >= tenantNos.Length)
                continue;
            if (
                await QueryAsync(
                    $"select relkind = 'p' and not exists (select from pg_inherits where inhparent = t.oid) from {Tables} t where name = '{table}'"
                )
                is true
            )
                await QueryAsync($"set role iiot_owner; create table {table}_made partition of {table} default");
            foreach (var tenantNo in tenantNos)
                await QueryAsync($"set session_replication_role = replica; {await InsertAsync(QueryAsync, table, tenantNo)}");
        }

        async Task<object?> QueryAsync(string sql)
        {
            await using var command = new NpgsqlCommand($"reset role; reset session_replication_role; {sql}", connection);
            return await command.ExecuteScalarAsync();
        }
    }
}
