using Insa.Iiot.Peers;
using Insa.Iiot.Storage.Postgres.Migrations;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

[assembly: AssemblyFixture(typeof(Insa.Iiot.Storage.Postgres.Tests.PostgresCluster))]

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>The server that all tests share, with the roles, a login for a host, and a migrated database to copy.</summary>
public sealed class PostgresCluster : IAsyncLifetime
{
    public const string Host = "iiot_host";
    public const string Deploy = "iiot_deploy";

    /// <summary>Logins of one role each, as in production.</summary>
    public const string HostApp = "iiot_host_app";
    public const string HostWriter = "iiot_host_writer";
    public const string HostJobs = "iiot_host_jobs";

    /// <summary>The one login that the server asks for its password: <see cref="Password"/>.</summary>
    public const string Asked = "iiot_asked";
    public const string Password = "Tr0ub4dor; '\"&3\\=";

    private const string Template = "iiot_template";

    // Not GetTempFileName: the server runs as another user and must be able to read it.
    private readonly string _access = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
    private readonly string[] _settings;
    private int _databases;

    public PostgresCluster()
        : this("shared_buffers = 256MB") { }

    internal PostgresCluster(params string[] settings) => _settings = settings;

    public PostgresServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllLinesAsync(_access, [$"host all {Asked} 127.0.0.1/32 scram-sha-256", "host all all 127.0.0.1/32 trust"]);

        // Nothing here takes the machine's power away, and hundreds of databases are made: the fault tests of the sample host wait for the disk.
        Server = await PostgresServer.StartAsync(["fsync = off", "max_wal_size = 1GB", $"hba_file = '{_access}'", .. _settings]);
        await MakeRolesAsync(Server);
        await Server.QueryAsync(
            $"create role {Asked} login noinherit password '{Password.Replace("'", "''", StringComparison.Ordinal)}' in role iiot_app, iiot_writer, iiot_jobs"
        );
        await Server.QueryAsync($"create database {Template} owner iiot_owner encoding 'UTF8' template template0");
        await using var owner = NpgsqlDataSource.Create(
            Server.ConnectionString(Template, Deploy) + ";Pooling=false;Options=-c role=iiot_owner"
        );
        await new PostgresMigrator(NullLogger.Instance).MigrateAsync(owner, PostgresMigrations.Steps, CancellationToken.None);
    }

    /// <summary>Makes the roles as an administrator would, and logins that are members of them.</summary>
    public static async Task MakeRolesAsync(PostgresServer server)
    {
        await server.QueryAsync(PostgresMigrations.RolesScript);
        await server.QueryAsync($"create role {Host} login noinherit in role iiot_app, iiot_writer, iiot_jobs");
        foreach (var (login, role) in ((string, string)[])[(HostApp, "iiot_app"), (HostWriter, "iiot_writer"), (HostJobs, "iiot_jobs")])
            await server.QueryAsync($"create role {login} login noinherit in role {role}");
        await server.QueryAsync($"create role {Deploy} login noinherit in role iiot_owner");
    }

    /// <summary>Gives each role its own login.</summary>
    internal void UseOwnLogins(PostgresStorageOptions options)
    {
        var database = new NpgsqlConnectionStringBuilder(options.ConnectionString).Database!;
        options.ConnectionString = Server.ConnectionString(database, HostApp);
        options.WriterConnectionString = Server.ConnectionString(database, HostWriter);
        options.JobsConnectionString = Server.ConnectionString(database, HostJobs);
    }

    /// <summary>A fresh, migrated database.</summary>
    public async Task<string> MakeDatabaseAsync()
    {
        var name = $"test_{Interlocked.Increment(ref _databases)}";
        await Server.QueryAsync($"create database {name} template {Template} owner iiot_owner");
        return name;
    }

    /// <summary>A fresh, empty database.</summary>
    public async Task<string> MakeEmptyDatabaseAsync()
    {
        var name = $"empty_{Interlocked.Increment(ref _databases)}";
        await Server.QueryAsync($"create database {name} owner iiot_owner encoding 'UTF8' template template0");
        return name;
    }

    public async ValueTask DisposeAsync()
    {
        if (Server is not null)
            await Server.DisposeAsync();
        File.Delete(_access);
    }
}
