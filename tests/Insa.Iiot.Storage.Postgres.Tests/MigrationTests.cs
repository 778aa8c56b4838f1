using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Migrations;
using Insa.Iiot.Storage.Postgres.Tests.Isolation;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class MigrationTests(PostgresCluster cluster)
{
    private const string Versions = "select string_agg(version || ' ' || name, ', ' order by version) from iiot.schema_migration";
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    /// <summary>
    /// Each version, taken to this one by a host; and the first and the last but one by psql, as the script is the same text: all of them with
    /// IIOT_MIGRATION_SCRIPTS=all.
    /// </summary>
    public static TheoryData<int, bool> EarlierVersions =>
        [
            .. PostgresMigrations.Steps.Select(step => (step.Version, false)),
            .. PostgresMigrations
                .Steps.Where((step, i) => AllByScript || i == 0 || i == PostgresMigrations.Steps.Count - 2)
                .Select(step => (step.Version, true)),
        ];

    private static bool AllByScript => Environment.GetEnvironmentVariable("IIOT_MIGRATION_SCRIPTS") == "all";

    private static string AllVersions => string.Join(", ", PostgresMigrations.Steps.Select(step => $"{step.Version} {step.Name}"));

    [Fact]
    public async Task An_empty_database_is_migrated_and_one_that_is_up_to_date_is_left_alone()
    {
        var database = await cluster.MakeEmptyDatabaseAsync();
        var applied = new List<object?>();
        for (var start = 0; start < 2; start++)
        {
            await using var store = await PostgresStore.MakeAsync(cluster, database);
            await store.Database.ReadyAsync(CancellationToken.None);
            Assert.Equal(AllVersions, await store.QueryAsync(Versions));
            applied.Add(await store.QueryAsync("select string_agg(applied_at::text, ',' order by version) from iiot.schema_migration"));
        }

        Assert.Equal(applied[0], applied[1]);
    }

    [Fact]
    public async Task Eight_hosts_that_start_at_once_migrate_once()
    {
        var database = await cluster.MakeEmptyDatabaseAsync();
        var hosts = new List<PostgresStore>();
        for (var i = 0; i < 8; i++)
            hosts.Add(await PostgresStore.MakeAsync(cluster, database));
        await Task.WhenAll(hosts.Select(host => Task.Run(async () => await host.Database.ReadyAsync(CancellationToken.None))));
        Assert.Equal(AllVersions, await hosts[0].QueryAsync(Versions));
        foreach (var host in hosts)
            await host.DisposeAsync();
    }

    [Theory]
    [InlineData(
        "update iiot.schema_migration set checksum = '\\x00' where version = 1",
        "Migration 1 (base) was applied with another text"
    )]
    [InlineData("insert into iiot.schema_migration (version, name, checksum) values (9999, 'later', '\\x00')", "update the package")]
    public async Task A_schema_that_this_package_does_not_know_is_refused(string change, string expected)
    {
        var database = await cluster.MakeDatabaseAsync();
        await cluster.Server.QueryAsync(change, database);
        foreach (var migrates in (bool[])[true, false])
        {
            await using var store = await PostgresStore.MakeAsync(cluster, database, options => options.MigrateOnStart = migrates);
            var refusal = await RefusedAsync(store);
            Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
            Assert.False(refusal.IsTransient);
        }
    }

    [Fact]
    public async Task A_host_that_may_not_migrate_says_what_to_do_about_an_empty_database()
    {
        await using var store = await PostgresStore.MakeAsync(
            cluster,
            await cluster.MakeEmptyDatabaseAsync(),
            options => options.MigrateOnStart = false
        );
        var refusal = await RefusedAsync(store);
        Assert.Contains("PostgresMigrations.Script()", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("MigrateOnStart", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(DBNull.Value, await store.QueryAsync("select to_regnamespace('iiot')::text"));
    }

    [Fact]
    public async Task The_script_does_with_psql_what_a_host_does_and_may_be_run_again()
    {
        var database = await cluster.MakeEmptyDatabaseAsync();
        var applied = new List<object?>();
        for (var run = 0; run < 2; run++)
        {
            Assert.Equal("", await RunScriptAsync(database));
            applied.Add(
                await cluster.Server.QueryAsync(
                    "select string_agg(m::text || s::text, ',' order by version) from iiot.schema_migration m, iiot_data.telemetry_state s",
                    database
                )
            );
        }

        Assert.Equal(applied[0], applied[1]);
        await using var store = await PostgresStore.MakeAsync(cluster, database, options => options.MigrateOnStart = false);
        Assert.True(await store.Devices.AddAsync(Plant, new Device { Id = Press }));
        Assert.Equal(AllVersions, await store.QueryAsync(Versions));
        await using var admin = new NpgsqlConnection(cluster.Server.AdminConnectionString(database));
        await admin.OpenAsync();
        Assert.Empty(await SchemaCheck.FindViolationsAsync(admin));
    }

    [Theory]
    [InlineData("update iiot.schema_migration set checksum = '\\x00' where version = 1")]
    [InlineData("insert into iiot.schema_migration (version, name, checksum) values (9999, 'later', '\\x00')")]
    public async Task The_script_refuses_a_schema_that_it_does_not_know(string change)
    {
        var database = await cluster.MakeDatabaseAsync();
        await cluster.Server.QueryAsync(change, database);
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => RunScriptAsync(database));
        Assert.Contains("migrations that this script does not know", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_script_waits_for_a_host_that_migrates()
    {
        await using var store = await PostgresStore.MakeAsync(cluster);
        await using var host = new NpgsqlConnection(cluster.Server.AdminConnectionString(store.DatabaseName));
        await host.OpenAsync();
        await host.ExecuteAsync($"select pg_advisory_lock({PostgresMigrator.Lock})");
        var script = RunScriptAsync(store.DatabaseName);
        await Blocked.WaitAsync(store, 1);
        await host.ExecuteAsync($"select pg_advisory_unlock({PostgresMigrator.Lock})");
        await script;
    }

    [Fact]
    public async Task The_script_sets_the_width_of_partitions_while_there_are_none()
    {
        var database = await cluster.MakeEmptyDatabaseAsync();
        Assert.Equal(TimeSpan.FromHours(1), await WidthAsync("-v", "partition_width=1 hour"));
        Assert.Equal(TimeSpan.FromHours(1), await WidthAsync());
        Assert.Equal(TimeSpan.FromDays(1), await WidthAsync("-v", "partition_width=1 day"));
        await cluster.Server.QueryAsync("select iiot_data.ensure_partition('2026-05-01')", database);
        Assert.Equal(TimeSpan.FromDays(1), await WidthAsync("-v", "partition_width=1 hour"));

        async Task<object?> WidthAsync(params string[] arguments)
        {
            await RunScriptAsync(database, arguments);
            return await cluster.Server.QueryAsync("select partition_width from iiot_data.telemetry_state", database);
        }
    }

    [Theory]
    [MemberData(nameof(EarlierVersions))]
    public async Task What_was_stored_by_any_earlier_version_is_read_by_this_one(int version, bool byScript)
    {
        var database = await cluster.MakeEmptyDatabaseAsync();
        await MigrateAsync(database, PostgresMigrations.Steps.Where(step => step.Version <= version));
        await cluster.Server.QueryAsync(
            $"""
            begin;
            set local role iiot_writer;
            select iiot_data.ensure_partition('{Noon:O}');
            select iiot_data.find_streams('plant', array['press'], array[E'a\nb']);
            reset role;
            insert into iiot_data.telemetry_frame (ts, arrived_at, tenant_no, stream_no, vals)
              select '{Noon:O}', '{Noon:O}', tenant_no, stream_no, float8send(1.5) || float8send(-2) from iiot.telemetry_stream;
            insert into iiot.device (tenant_no, name, display_name, created_at) select tenant_no, 'press', 'Press 1', '{Noon:O}' from iiot.tenant;
            commit
            """,
            database
        );
        await using var store = await CurrentAsync(database, byScript);
        Assert.Equal("Press 1", (await store.Devices.FindAsync(Plant, Press))!.DisplayName);
        Assert.Equal([("a", 1.5), ("b", -2)], await LatestAsync(store));

        using var writer = new BatchWriter();
        writer.Add(Plant, Press, Noon.AddHours(1), frame => frame.AddDouble("a"u8, 3));
        await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        Assert.Equal([("a", 3), ("b", -2)], await LatestAsync(store));
        Assert.Equal(AllVersions, await store.QueryAsync(Versions));
    }

    [Theory]
    [MemberData(nameof(EarlierVersions))]
    public async Task Every_row_of_any_earlier_version_is_there_unchanged_in_this_one(int version, bool byScript)
    {
        var database = await cluster.MakeEmptyDatabaseAsync();
        await MigrateAsync(database, PostgresMigrations.Steps.Where(step => step.Version <= version));
        var (salt, secret) = (new byte[SecretHash.SaltBytes], "secret"u8.ToArray());
        await QueryAsync(
            $"""
            insert into iiot.tenant (name) values ('plant'), ('other');
            insert into iiot.device (tenant_no, name, display_name, created_at, secret_salt, secret_hash)
              select tenant_no, 'press', 'Press', '{Noon:O}', '\x{Convert.ToHexString(salt)}', '\x{Convert.ToHexString(
                SecretHash.Hash(salt, secret)
            )}'
              from iiot.tenant
            """
        );
        await AnyRow.FillAsync(cluster.Server, database, [1, 2]);

        // Of each table the columns that it has now: later ones may add to them.
        var tables = (string[])
            (
                await QueryAsync(
                    $"""
                    select array_agg(format(
                      $$select concat_ws(': ', %L, string_agg(r::text, ', ' order by r::text)) from (select %s from %s) r$$, name,
                      (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
                      where attrelid = t.oid and attnum > 0 and not attisdropped), name) order by name) from {AnyRow.Tables} t
                    """
                )
            )!;
        var before = await ReadAsync();
        await using var store = await CurrentAsync(database, byScript);
        Assert.NotNull(await store.Devices.AuthenticateAsync(DeviceCredential.FromPassword("press@plant", secret)));
        Assert.Equal(before, await ReadAsync());
        Assert.True(before.Count(rows => rows.Contains(": (", StringComparison.Ordinal)) >= 13);

        Task<object?> QueryAsync(string sql) => cluster.Server.QueryAsync(sql, database);

        async Task<List<string>> ReadAsync()
        {
            await using var connection = new NpgsqlConnection(cluster.Server.AdminConnectionString(database));
            await connection.OpenAsync();
            var all = new List<string>();
            foreach (var table in tables)
            {
                await using var command = new NpgsqlCommand(table, connection);
                all.Add((string)(await command.ExecuteScalarAsync())!);
            }

            return all;
        }
    }

    [Fact]
    public async Task Devices_of_an_earlier_version_get_what_they_lack()
    {
        var database = await cluster.MakeEmptyDatabaseAsync();
        await MigrateAsync(database, PostgresMigrations.Steps.Where(step => step.Version <= 5));
        var (salt, secret) = (new byte[SecretHash.SaltBytes], "secret"u8.ToArray());
        await cluster.Server.QueryAsync(
            $"""
            insert into iiot.tenant (name) values ('plant'), ('other');
            insert into iiot.device (tenant_no, name, display_name, gateway, created_at, secret_salt, secret_hash) values
              (1, 'press', '', 'gate', '{Noon:O}', '\x{Convert.ToHexString(salt)}', '\x{Convert.ToHexString(
                SecretHash.Hash(salt, secret)
            )}'),
              (1, 'lost', '', 'theirs', '{Noon:O}', null, null), (1, 'self', '', 'self', '{Noon:O}', null, null),
              (1, 'gate', '', null, '{Noon:O}', null, null), (2, 'theirs', '', null, '{Noon:O}', null, null);
            insert into iiot.certificate (tenant_no, sha256, device) values (1, '\x{new string('0', 64)}', 'press')
            """,
            database
        );
        await using var store = await PostgresStore.MakeAsync(cluster, database);
        Assert.Equal(
            ["gate  1 Enabled", "lost  1 Enabled", "press gate 1 Enabled", "self  1 Enabled"],
            (await store.Devices.ListAsync(Plant, null, 10)).Select(device =>
                $"{device.Id} {device.Gateway} {device.Version} {device.State}"
            )
        );
        Assert.NotNull(await store.Devices.AuthenticateAsync(DeviceCredential.FromPassword("press@plant", secret)));
        var credentials = await store.Devices.ListCredentialsAsync(Plant, Press);
        Assert.Equal(["password", new string('0', 64)], credentials.Select(credential => credential.Id));
        Assert.All(credentials, credential => Assert.Equal(Noon, credential.CreatedAt));
    }

    [Fact]
    public async Task A_step_that_fails_leaves_nothing_of_itself_and_the_steps_before_it()
    {
        var database = await cluster.MakeEmptyDatabaseAsync();
        var last = PostgresMigrations.CurrentVersion;
        PostgresMigration[] steps =
        [
            .. PostgresMigrations.Steps,
            new(last + 1, "good", "create table iiot.good ()", []),
            new(last + 2, "bad", "create table iiot.bad (); select 1/0", []),
        ];
        await Assert.ThrowsAsync<PostgresException>(() => MigrateAsync(database, steps));
        Assert.Equal(last + 1, await cluster.Server.QueryAsync("select max(version) from iiot.schema_migration", database));
        Assert.Equal(DBNull.Value, await cluster.Server.QueryAsync("select to_regclass('iiot.bad')::text", database));
    }

    [Fact]
    public async Task A_migration_whose_connection_is_lost_is_reported_as_that()
    {
        var database = await cluster.MakeEmptyDatabaseAsync();
        PostgresMigration[] steps = [new(1, "lost", "select pg_terminate_backend(pg_backend_pid())", [])];
        var lost = await Assert.ThrowsAnyAsync<NpgsqlException>(() => MigrateAsync(database, steps));
        Assert.True(PostgresErrors.ToStoreException(lost).IsTransient);
    }

    private async Task<string> RunScriptAsync(string database, params string[] arguments)
    {
        var script = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(script, PostgresMigrations.Script());
            return await cluster.Server.PsqlAsync(database, [.. arguments, "-f", script]);
        }
        finally
        {
            File.Delete(script);
        }
    }

    /// <summary>A store on a database that was brought to this version by psql, or will be by the host.</summary>
    private async Task<PostgresStore> CurrentAsync(string database, bool byScript)
    {
        if (byScript)
            Assert.Equal("", await RunScriptAsync(database));
        return await PostgresStore.MakeAsync(cluster, database, options => options.MigrateOnStart = !byScript);
    }

    private async Task MigrateAsync(string database, IEnumerable<PostgresMigration> steps)
    {
        await using var owner = NpgsqlDataSource.Create(
            cluster.Server.ConnectionString(database, PostgresCluster.Deploy) + ";Pooling=false;Options=-c role=iiot_owner"
        );
        await new PostgresMigrator(NullLogger.Instance).MigrateAsync(owner, [.. steps], CancellationToken.None);
    }

    private static async Task<IEnumerable<(string, double)>> LatestAsync(PostgresStore store) =>
        (await store.Reader.ReadLatestAsync(Plant, Press)).Select(point => (point.Metric, point.Value.AsDouble()));

    private static Task<TelemetryStoreException> RefusedAsync(PostgresStore store) =>
        Assert.ThrowsAsync<TelemetryStoreException>(async () => await store.Database.ReadyAsync(CancellationToken.None));
}
