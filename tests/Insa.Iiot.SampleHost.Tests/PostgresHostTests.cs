using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>The host on a PostgreSQL store.</summary>
public sealed class PostgresHostTests(PostgresCluster cluster) : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_reading_posted_is_read_back_also_after_another_start()
    {
        var database = await cluster.MakeDatabaseAsync();
        await using (var host = await StartAsync(database))
        {
            await host.PostAsync("press", """{"data":{"t":21.5}}""");
            Assert.Equal(0, await host.StopAsync());
        }

        await using var again = await StartAsync(database, "--Iiot:Postgres:MigrateOnStart=false");
        Assert.Equal(21.5, (double)(await again.ReadAsync("/api/v1/devices/press/telemetry/latest"))["points"]![0]!["value"]!);
        Assert.Equal(1L, await cluster.Server.QueryAsync("select count(*) from iiot_data.telemetry_frame", database));
    }

    [Fact]
    public async Task What_mosquitto_pub_publishes_is_read_back()
    {
        await using var host = await StartAsync(await cluster.MakeDatabaseAsync());
        await PublishAsync(host, """{"data":{"temperature":19.25}}""");
        var latest = await host.ReadAsync("/api/v1/devices/demo-press-01/telemetry/latest");
        Assert.Equal(19.25, (double)latest["points"]![0]!["value"]!);
    }

    [Fact]
    public async Task The_banner_says_which_store_and_no_password()
    {
        var database = await cluster.MakeDatabaseAsync();
        await using var host = await HostProcess.StartAsync(
            _folder.Data,
            PostgresCluster.Arguments(
                cluster.Server.ConnectionString(database, "iiot_host").Replace("Password=x", "Password=hush", StringComparison.Ordinal),
                cluster.Server.ConnectionString(database, "iiot_deploy")
            )
        );
        Assert.Contains(
            string.Create(CultureInfo.InvariantCulture, $"PostgreSQL 127.0.0.1:{cluster.Server.Port}, database {database}, as iiot_host"),
            host.Banner,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("hush", host.Banner, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_whose_bootstrap_file_is_lost_gives_the_demo_device_a_new_secret()
    {
        var database = await cluster.MakeDatabaseAsync();
        JsonNode before;
        await using (var first = await StartAsync(database))
            before = first.Bootstrap;
        File.Delete(Path.Combine(_folder.Data, "bootstrap.json"));

        await using var second = await StartAsync(database);
        Assert.NotEqual((string)before["device"]!["password"]!, (string)second.Bootstrap["device"]!["password"]!);
        using var posted = await second.SendAsync(
            HttpMethod.Post,
            "/api/v1/telemetry",
            second.Device,
            HostProcess.Json("""{"data":{"t":1}}""")
        );
        Assert.Equal(HttpStatusCode.NoContent, posted.StatusCode);
    }

    [Fact]
    public async Task A_superuser_is_refused_with_advice()
    {
        var database = await cluster.MakeDatabaseAsync();
        var admin = cluster.Server.ConnectionString(database, "postgres");
        var error = await FailAsync(PostgresCluster.Arguments(admin, cluster.Server.ConnectionString(database, "iiot_deploy")));
        Assert.Contains("postgres is a superuser", error, StringComparison.Ordinal);
        Assert.Contains("create role iiot_host", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_superuser_is_refused_also_when_the_first_start_was_long_ago()
    {
        var database = await cluster.MakeDatabaseAsync();
        await using (var first = await StartAsync(database))
            Assert.Equal(0, await first.StopAsync());
        var admin = cluster.Server.ConnectionString(database, "postgres");
        var error = await FailAsync(PostgresCluster.Arguments(admin, cluster.Server.ConnectionString(database, "iiot_deploy")));
        Assert.Contains("The store cannot be used. postgres is a superuser", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_login_for_each_role_serves_the_host()
    {
        var database = await cluster.MakeDatabaseAsync();
        foreach (var role in (string[])["app", "writer", "jobs"])
            await cluster.Server.QueryAsync($"create role own_{role} login noinherit in role iiot_{role}");
        await using var host = await HostProcess.StartAsync(
            _folder.Data,
            [
                .. PostgresCluster.Arguments(
                    cluster.Server.ConnectionString(database, "own_app"),
                    cluster.Server.ConnectionString(database, "iiot_deploy")
                ),
                $"--Iiot:Postgres:WriterConnectionString={cluster.Server.ConnectionString(database, "own_writer")}",
                $"--Iiot:Postgres:JobsConnectionString={cluster.Server.ConnectionString(database, "own_jobs")}",
            ]
        );
        await host.PostAsync("press", """{"data":{"t":21.5},"timestamp":1767225600000}""");
        Assert.Equal(21.5, (double)(await host.ReadAsync("/api/v1/devices/press/telemetry/latest"))["points"]![0]!["value"]!);
    }

    [Fact]
    public async Task A_wrong_password_is_named_and_not_repeated()
    {
        var database = await cluster.MakeDatabaseAsync();
        await cluster.Server.QueryAsync("create role guarded login noinherit password 'right' in role iiot_app, iiot_writer, iiot_jobs");
        var rules = Path.Combine(cluster.Server.DataFolder, "pg_hba.conf");
        await File.WriteAllTextAsync(rules, "host all guarded 127.0.0.1/32 scram-sha-256\n" + await File.ReadAllTextAsync(rules));
        await cluster.Server.QueryAsync("select pg_reload_conf()");
        while (
            !Equals("guarded", await cluster.Server.QueryAsync("select user_name[1] from pg_hba_file_rules order by line_number limit 1"))
        )
            await Task.Yield();
        var login = cluster.Server.ConnectionString(database, "guarded").Replace("Password=x", "Password=wrong", StringComparison.Ordinal);
        var error = await FailAsync(PostgresCluster.Arguments(login, cluster.Server.ConnectionString(database, "iiot_deploy")));
        Assert.Contains("check user name and password", error, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_down_is_named()
    {
        var error = await FailAsync(
            PostgresCluster.Arguments("Host=127.0.0.1;Port=1;Database=iiot;Username=iiot_host", "Host=127.0.0.1;Port=1;Database=iiot")
        );
        Assert.Contains("127.0.0.1:1", error, StringComparison.Ordinal);
        Assert.Contains("check that the server runs", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--Iiot:Storage=oracle", "Iiot:Storage is 'oracle': write sqlite or postgres.")]
    [InlineData("--Iiot:Storage=postgres", "Iiot:Postgres:ConnectionString")]
    [InlineData("--Iiot:Storage=postgres --Iiot:Postgres:ConnectionString=Host", "is not a connection string")]
    public async Task A_store_that_is_not_described_is_named_in_one_line(string arguments, string part)
    {
        Assert.Contains(part, await FailAsync(arguments.Split(' ')), StringComparison.Ordinal);
    }

    private Task<HostProcess> StartAsync(string database, params string[] more) =>
        HostProcess.StartAsync(_folder.Data, [.. PostgresCluster.Arguments(cluster.Server, database), .. more]);

    private async Task<string> FailAsync(params string[] arguments)
    {
        var (exit, error) = await HostProcess.FailAsync(_folder.Data, arguments);
        Assert.Equal(1, exit);
        Assert.StartsWith("Insa.Iiot cannot start: ", error, StringComparison.Ordinal);
        return Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    private static async Task PublishAsync(HostProcess host, string json)
    {
        using var publish = Process.Start(
            "mosquitto_pub",
            [
                "-h",
                host.Mqtt.Address.ToString(),
                "-p",
                host.Mqtt.Port.ToString(CultureInfo.InvariantCulture),
                "-q",
                "1",
                "-u",
                (string)host.Bootstrap["device"]!["username"]!,
                "-P",
                (string)host.Bootstrap["device"]!["password"]!,
                "-t",
                "telemetry",
                "-m",
                json,
            ]
        );
        await publish.WaitForExitAsync();
        Assert.Equal(0, publish.ExitCode);
    }
}
