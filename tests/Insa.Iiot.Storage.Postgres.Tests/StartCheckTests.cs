using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Insa.Iiot.Peers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>A host that must not or cannot use a database says so before it does, and what to do.</summary>
public sealed class StartCheckTests(PostgresCluster cluster)
{
    private const string Roles = "in role iiot_app, iiot_writer, iiot_jobs";
    private const string Secret = "not the password";

    [Fact]
    public async Task A_superuser_is_refused() =>
        await AssertRefusedAsync(await DatabaseAsync(), "postgres", isTransient: false, "postgres is a superuser", "create role iiot_host");

    [Fact]
    public async Task A_login_that_bypasses_row_level_security_is_refused()
    {
        await cluster.Server.QueryAsync($"create role bypasser login noinherit bypassrls {Roles}");
        await AssertRefusedAsync(await DatabaseAsync(), "bypasser", isTransient: false, "BYPASSRLS", "nobypassrls");
    }

    [Theory]
    [InlineData("superuser", "create role above_{0} superuser")]
    [InlineData("bypassrls", "create role above_{0} bypassrls")]
    [InlineData("indirect", "create role above_{0} bypassrls; create role between_{0}; grant above_{0} to between_{0}", "between_{0}")]
    [InlineData("predefined", "", "pg_read_all_data")]
    [InlineData("createrole", "create role above_{0} createrole")]
    [InlineData("replication", "create role above_{0} replication")]
    public async Task A_login_that_may_become_more_than_a_tenant_is_refused(string name, string above, string member = "above_{0}")
    {
        if (above.Length > 0)
            await cluster.Server.QueryAsync(string.Format(CultureInfo.InvariantCulture, above, name));
        var role = string.Format(CultureInfo.InvariantCulture, member, name);
        await cluster.Server.QueryAsync($"create role may_{name} login noinherit {Roles}, {role}");
        await AssertRefusedAsync(await DatabaseAsync(), $"may_{name}", isTransient: false, $"may_{name} is a member", "revoke");
    }

    [Fact]
    public async Task One_login_for_all_roles_is_warned_of()
    {
        Assert.Contains(
            await WarningsAsync(_ => { }),
            warning => warning.Contains("may also take the roles iiot_writer, iiot_jobs", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_login_for_each_role_is_warned_of_nothing_but_that_the_servers_disk_is_not_waited_for() =>
        Assert.Contains("fsync off", Assert.Single(await WarningsAsync(cluster.UseOwnLogins)), StringComparison.Ordinal);

    [Fact]
    public async Task One_login_for_everything_with_the_owner_is_warned_of()
    {
        await cluster.Server.QueryAsync($"create role does_it_all login noinherit {Roles}, iiot_owner");
        Assert.Contains(
            await WarningsAsync(options =>
            {
                options.ConnectionString = As(options.ConnectionString, "does_it_all");
                options.OwnerConnectionString = null;
            }),
            warning => warning.Contains("may also take the owner's role", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("app", "iiot_owner")]
    [InlineData("writer", "iiot_owner")]
    [InlineData("jobs", "iiot_owner")]
    [InlineData("app", "between_owner")]
    public async Task Where_logins_are_kept_apart_one_that_may_become_the_owner_is_refused(string role, string owner)
    {
        var login = $"{role}_and_{owner}";
        if (owner != "iiot_owner")
            await cluster.Server.QueryAsync($"create role {owner} in role iiot_owner");
        await cluster.Server.QueryAsync($"create role {login} login noinherit in role iiot_{role}, {owner}");
        await AssertOwnLoginRefusedAsync(role, login, $"{login} may become iiot_owner", "revoke iiot_owner", "OwnerConnectionString");
    }

    [Theory]
    [InlineData("owner")]
    [InlineData("writer")]
    [InlineData("jobs")]
    public async Task Logins_are_kept_apart_as_soon_as_one_role_has_its_own(string own)
    {
        var login = $"all_but_{own}";
        await cluster.Server.QueryAsync($"create role {login} login noinherit {Roles}, iiot_owner");
        await using var store = await PostgresStore.MakeAsync(
            cluster,
            configure: options =>
            {
                var all = options.ConnectionString;
                options.ConnectionString = As(all, login);
                options.OwnerConnectionString = own == "owner" ? As(all, PostgresCluster.Deploy) : null;
                options.WriterConnectionString = own == "writer" ? As(all, PostgresCluster.HostWriter) : null;
                options.JobsConnectionString = own == "jobs" ? As(all, PostgresCluster.HostJobs) : null;
            }
        );
        await AssertRefusedAsync(store, isTransient: false, $"{login} may become iiot_owner");
    }

    [Theory]
    [InlineData("app", "createrole", "nocreaterole")]
    [InlineData("writer", "createrole", "nocreaterole")]
    [InlineData("jobs", "createrole", "nocreaterole")]
    [InlineData("app", "replication", "noreplication")]
    [InlineData("writer", "replication", "noreplication")]
    [InlineData("jobs", "replication", "noreplication")]
    public async Task A_login_that_may_help_itself_to_more_is_refused(string role, string right, string advice)
    {
        var login = $"{role}_with_{right}";
        await cluster.Server.QueryAsync($"create role {login} login noinherit {right} in role iiot_{role}");
        await AssertOwnLoginRefusedAsync(role, login, login, $"has {right.ToUpperInvariant()}", advice);
    }

    [Fact]
    public async Task A_width_of_partitions_that_is_not_the_schemas_is_warned_of() =>
        Assert.Contains(
            await WarningsAsync(options => options.PartitionWidth = TimeSpan.FromHours(1)),
            warning => warning.Contains("partitions of 1.00:00:00", StringComparison.Ordinal)
        );

    [Theory]
    [InlineData(150000, "15.14")]
    [InlineData(150013, "15.14")]
    [InlineData(150014, null)]
    [InlineData(160009, "16.10")]
    [InlineData(160010, null)]
    [InlineData(170005, "17.6")]
    [InlineData(180000, null)]
    public void A_server_with_known_holes_is_told_what_to_update_to(int version, string? expected) =>
        Assert.Equal(expected, StartCheck.UpdateNeeded(version));

    [Theory]
    [InlineData("iiot.audit")]
    [InlineData("iiot_data.telemetry_frame")]
    public async Task A_login_that_owns_a_table_is_refused(string table)
    {
        var login = $"owner_of_{table.Replace('.', '_')}";
        var database = await DatabaseAsync();
        await cluster.Server.QueryAsync($"create role {login} login noinherit {Roles}");
        await cluster.Server.QueryAsync($"alter table {table} owner to {login}", database);
        await AssertRefusedAsync(database, login, isTransient: false, "owns tables", "create role iiot_host");
    }

    [Theory]
    [InlineData("iiot_app, iiot_writer", "iiot_jobs")]
    [InlineData("iiot_app, iiot_jobs", "iiot_writer")]
    [InlineData("iiot_writer, iiot_jobs", "iiot_app")]
    public async Task A_login_that_is_no_member_of_a_role_is_refused(string roles, string missing)
    {
        var login = $"without_{missing}";
        await cluster.Server.QueryAsync($"create role {login} login noinherit in role {roles}");
        await AssertRefusedAsync(await DatabaseAsync(), login, isTransient: true, "check the logins' roles", $"\"{missing}\"");
    }

    [Fact]
    public async Task A_server_without_the_roles_is_refused()
    {
        await using var server = await PostgresServer.StartAsync("fsync = off");
        await server.QueryAsync("create role lonely login");
        var text = new NpgsqlConnectionStringBuilder(server.ConnectionString("postgres", "lonely")) { Password = Secret };
        await AssertRefusedAsync(text.ConnectionString, isTransient: true, "A role is missing: run the roles script", "docs/postgres.md");
    }

    [Theory]
    [InlineData("SQL_ASCII")]
    [InlineData("LATIN1")]
    public async Task A_database_of_another_encoding_is_refused(string encoding)
    {
        var database = $"encoded_{encoding.ToLowerInvariant()}";
        await cluster.Server.QueryAsync($"create database {database} owner iiot_owner encoding '{encoding}' locale 'C' template template0");
        await AssertRefusedAsync(database, PostgresCluster.Host, isTransient: false, $"encoded in {encoding}", "encoding 'UTF8'");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_database_that_acknowledges_before_it_is_durable_is_refused(bool isOfDatabase)
    {
        var database = await DatabaseAsync();
        if (isOfDatabase)
            await cluster.Server.QueryAsync($"alter database {database} set synchronous_commit = off");
        var text = ConnectionString(database, PostgresCluster.Host);
        await AssertRefusedAsync(
            isOfDatabase ? text : text + ";Options=-c synchronous_commit=off",
            isTransient: false,
            "synchronous_commit is off",
            "Set it to on"
        );
    }

    [Fact]
    public async Task A_wrong_password_is_reported_without_it() =>
        await AssertRefusedAsync(await DatabaseAsync(), PostgresCluster.Asked, isTransient: true, "check user name and password");

    [Fact]
    public async Task A_login_that_does_not_exist_is_reported() =>
        await AssertRefusedAsync(await DatabaseAsync(), "nobody_of_that_name", isTransient: true, "check user name and password");

    [Fact]
    public async Task A_database_that_does_not_exist_is_reported() =>
        await AssertRefusedAsync("no_such_database", PostgresCluster.Host, isTransient: true, "The database does not exist: create it");

    [Fact]
    public async Task A_server_that_does_not_answer_is_reported()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        var text = new NpgsqlConnectionStringBuilder(ConnectionString("iiot", PostgresCluster.Host)) { Port = port };
        await AssertRefusedAsync(text.ConnectionString, isTransient: true, "PostgreSQL cannot be reached", "connection string");
    }

    [Theory]
    [InlineData("Iiot-Host@plant")]
    [InlineData("1 \"host\"")]
    public async Task A_login_of_any_name_is_welcome(string login)
    {
        await cluster.Server.QueryAsync($"create role \"{login.Replace("\"", "\"\"", StringComparison.Ordinal)}\" login noinherit {Roles}");
        await using var store = await StoreAsync(
            new NpgsqlConnectionStringBuilder(ConnectionString(await DatabaseAsync(), PostgresCluster.Host))
            {
                Username = login,
            }.ConnectionString
        );
        await store.Database.ReadyAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_store_that_was_refused_works_as_soon_as_the_cause_is_gone()
    {
        var database = await DatabaseAsync();
        await cluster.Server.QueryAsync("create role late_member login noinherit in role iiot_app, iiot_writer");
        await using var store = await StoreAsync(ConnectionString(database, "late_member"));
        await Assert.ThrowsAsync<TelemetryStoreException>(async () => await store.Database.ReadyAsync(CancellationToken.None));
        await cluster.Server.QueryAsync("grant iiot_jobs to late_member");
        await store.Database.ReadyAsync(CancellationToken.None);
    }

    private Task<string> DatabaseAsync() => cluster.MakeDatabaseAsync();

    private string ConnectionString(string database, string login) =>
        new NpgsqlConnectionStringBuilder(cluster.Server.ConnectionString(database, login)) { Password = Secret }.ConnectionString;

    private Task AssertRefusedAsync(string database, string login, bool isTransient, params string[] expected) =>
        AssertRefusedAsync(ConnectionString(database, login), isTransient, expected);

    private async Task AssertRefusedAsync(string connectionString, bool isTransient, params string[] expected)
    {
        await using var store = await StoreAsync(connectionString);
        await AssertRefusedAsync(store, isTransient, expected);
    }

    private async Task AssertOwnLoginRefusedAsync(string role, string login, params string[] expected)
    {
        await using var store = await PostgresStore.MakeAsync(
            cluster,
            configure: options =>
            {
                options.MigrateOnStart = false;
                options.OwnerConnectionString = null;
                cluster.UseOwnLogins(options);
                if (role == "app")
                    options.ConnectionString = As(options.ConnectionString, login);
                if (role == "writer")
                    options.WriterConnectionString = As(options.ConnectionString, login);
                if (role == "jobs")
                    options.JobsConnectionString = As(options.ConnectionString, login);
            }
        );
        await AssertRefusedAsync(store, isTransient: false, expected);
    }

    private static string As(string connectionString, string login) =>
        new NpgsqlConnectionStringBuilder(connectionString) { Username = login }.ConnectionString;

    private static async Task AssertRefusedAsync(PostgresStore store, bool isTransient, params string[] expected)
    {
        var refusal = await Assert.ThrowsAsync<TelemetryStoreException>(async () =>
            await store.Database.ReadyAsync(CancellationToken.None)
        );
        Assert.All(expected, text => Assert.Contains(text, refusal.Message, StringComparison.Ordinal));
        Assert.Equal(isTransient, refusal.IsTransient);
        Assert.DoesNotContain(Secret, refusal.ToString(), StringComparison.Ordinal);
    }

    private async Task<List<string>> WarningsAsync(Action<PostgresStorageOptions> configure)
    {
        using var log = new FakeLoggerProvider();
        await using var store = await PostgresStore.MakeAsync(
            cluster,
            configure: options =>
            {
                options.MigrateOnStart = false;
                configure(options);
            },
            logging: logging => logging.AddProvider(log)
        );
        await store.Database.ReadyAsync(CancellationToken.None);
        return [.. log.Collector.GetSnapshot().Where(record => record.Level >= LogLevel.Warning).Select(record => record.Message)];
    }

    // Migrated by a login of its own where there is a database to migrate.
    private Task<PostgresStore> StoreAsync(string connectionString) =>
        PostgresStore.MakeAsync(
            cluster,
            new NpgsqlConnectionStringBuilder(connectionString).Database,
            options =>
            {
                options.ConnectionString = connectionString;
                options.MigrateOnStart = options.OwnerConnectionString!.Contains("encoded_", StringComparison.Ordinal);
            }
        );
}
