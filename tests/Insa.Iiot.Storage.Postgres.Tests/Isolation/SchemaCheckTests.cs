using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests.Isolation;

public sealed class SchemaCheckTests(SchemaCheckTests.OneDatabase database) : IClassFixture<SchemaCheckTests.OneDatabase>
{
    [Fact]
    public async Task Nothing_in_the_catalogue_opens_a_way_to_another_tenant()
    {
        await using var connection = await database.OpenAsync();
        Assert.Empty(await SchemaCheck.FindViolationsAsync(connection));
    }

    [Theory]
    [InlineData("alter table iiot.device disable row level security", "iiot.device: row-level security")]
    [InlineData("alter table iiot.certificate no force row level security", "iiot.certificate: row-level security")]
    [InlineData("alter table iiot.tenant disable row level security", "iiot.tenant: row-level security")]
    [InlineData("create table iiot.fresh (tenant_no int)", "iiot.fresh: row-level security")]
    [InlineData("create policy open on iiot.device using (true)", "policy open does not compare")]
    [InlineData(
        "create policy bare on iiot.device using (tenant_no = current_setting('iiot.tenant')::int)",
        "policy bare does not compare"
    )]
    [InlineData(
        "create policy wide on iiot.device using (tenant_no = (select current_setting('iiot.tenant', true)::int) or gateway is null)",
        "policy wide does not compare"
    )]
    [InlineData("create policy open on iiot.device for insert with check (true)", "policy open does not compare")]
    [InlineData("grant select on iiot_data.telemetry_frame_20260501t00 to iiot_jobs", "a grant on a partition")]
    [InlineData("grant select on iiot_data.telemetry_frame to iiot_app", "outside of iiot")]
    [InlineData(
        "create function iiot.read_all() returns setof iiot_data.telemetry_frame language sql security definer set search_path = pg_catalog, pg_temp as 'select * from iiot_data.telemetry_frame'; grant execute on function iiot.read_all to iiot_app",
        "read_all(): runs as its owner"
    )]
    [InlineData("grant select (tenant_no) on iiot_data.rollup_pending to iiot_app", "outside of iiot")]
    [InlineData("grant select on iiot.telemetry_device to public", "a grant to everybody")]
    [InlineData("grant select on iiot.telemetry_device to iiot_writer", "a grant to the writer")]
    [InlineData("grant select on iiot_data.telemetry_frame to iiot_writer", "a grant to the writer")]
    [InlineData("grant select on iiot.device to iiot_jobs", "none of their work")]
    [InlineData("grant truncate on iiot.device to iiot_app", "steps over row-level security")]
    [InlineData("grant select on sequence iiot.dead_letter_id_seq to iiot_app", "a grant on a sequence")]
    [InlineData("grant usage on schema iiot_data to iiot_app", "schema iiot_data: a right")]
    [InlineData("grant create on schema iiot to iiot_app", "schema iiot: a right")]
    [InlineData("grant usage on schema iiot to public", "schema iiot: a right")]
    [InlineData("alter default privileges for role iiot_owner grant select on tables to iiot_app", "open to iiot_app")]
    [InlineData("alter default privileges for role iiot_owner grant execute on functions to public", "executable by everybody")]
    [InlineData("alter view iiot.telemetry_frame reset (security_barrier)", "without security_barrier")]
    [InlineData(
        "create or replace view iiot.telemetry_frame with (security_barrier) as select ts, arrived_at, tenant_no, stream_no, vals, extra from iiot_data.telemetry_frame",
        "iiot.telemetry_frame: a view that does not ask"
    )]
    [InlineData("alter view iiot.telemetry_frame owner to postgres", "iiot.telemetry_frame: owned by postgres")]
    [InlineData("alter table iiot.device owner to postgres", "iiot.device: owned by postgres")]
    [InlineData("alter function iiot_data.begin_write owner to postgres", "begin_write(): owned by postgres")]
    [InlineData("create materialized view iiot.all_devices as select * from iiot.device", "a materialized view")]
    [InlineData("alter function iiot_data.begin_write reset search_path", "without a fixed search_path")]
    [InlineData("alter function iiot_data.begin_write set search_path = iiot, public", "without a fixed search_path")]
    [InlineData("grant execute on function iiot_data.find_streams to public", "executable by everybody")]
    [InlineData("grant execute on function iiot_data.find_streams to iiot_app", "executable by the application")]
    [InlineData(
        "create function iiot_data.peek() returns text language sql as 'select null::text'; grant execute on function iiot_data.peek to iiot_writer",
        "something to read"
    )]
    [InlineData("create unique index theirs on iiot.device (name)", "theirs: unique without")]
    [InlineData(
        "create table iiot.pin (tenant_no int, name text collate \"C\" references iiot.tenant (name))",
        "iiot.pin: foreign key pin_name_fkey"
    )]
    [InlineData("alter role iiot_app bypassrls", "role iiot_app")]
    [InlineData("grant iiot_jobs to iiot_app", "role iiot_app: a member of iiot_jobs")]
    [InlineData("grant pg_read_all_data to iiot_app", "role iiot_app: a member of pg_read_all_data")]
    [InlineData("grant iiot_owner to iiot_writer", "role iiot_writer: a member of iiot_owner")]
    [InlineData("create table iiot.note (text text)", "iiot.note: row-level security")]
    [InlineData(
        "create function iiot_data.peek() returns text language sql security definer set search_path = pg_catalog, pg_temp as 'select null::text'; grant execute on function iiot_data.peek to iiot_jobs",
        "peek(): gives the jobs something to read"
    )]
    [InlineData(
        "create function iiot_data.guess() returns boolean language sql security definer set search_path = pg_catalog, pg_temp as 'select exists (select from iiot.device)'; grant execute on function iiot_data.guess to iiot_jobs",
        "guess(): gives the jobs something to read"
    )]
    public async Task A_layer_that_is_removed_is_found(string removal, string expected)
    {
        await using var connection = await database.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand(removal, connection))
            await command.ExecuteNonQueryAsync();
        Assert.Contains(
            await SchemaCheck.FindViolationsAsync(connection),
            violation => violation.Contains(expected, StringComparison.Ordinal)
        );
    }

    /// <summary>What is removed is put back by the transaction's end, so one database will do.</summary>
    public sealed class OneDatabase(PostgresCluster cluster) : IAsyncLifetime
    {
        private string _name = "";

        public async ValueTask InitializeAsync()
        {
            _name = await cluster.MakeDatabaseAsync();
            await cluster.Server.QueryAsync("select iiot_data.ensure_partition('2026-05-01')", _name);
        }

        public async Task<NpgsqlConnection> OpenAsync()
        {
            var connection = new NpgsqlConnection(cluster.Server.AdminConnectionString(_name));
            await connection.OpenAsync();
            return connection;
        }

        public ValueTask DisposeAsync() => default;
    }
}
