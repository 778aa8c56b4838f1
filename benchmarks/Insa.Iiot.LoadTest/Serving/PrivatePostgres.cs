using Insa.Iiot.Peers;
using Insa.Iiot.Storage.Postgres;
using Insa.Iiot.Storage.Postgres.Migrations;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Insa.Iiot.LoadTest.Serving;

/// <summary>A PostgreSQL server for one measurement, with roles and a migrated database.</summary>
internal sealed class PrivatePostgres : IAsyncDisposable
{
    private const string Migrated = "iiot";
    private const string Login = "iiot_host";
    private int _databases;

    private PrivatePostgres(PostgresServer server) => Server = server;

    public PostgresServer Server { get; }

    /// <summary>How a host connects to the migrated database.</summary>
    public string HostConnectionString => HostConnectionStringOf(Migrated);

    public static async Task<PrivatePostgres> StartAsync(params string[] settings)
    {
        var started = new PrivatePostgres(await PostgresServer.StartAsync(settings));
        try
        {
            await started.PrepareAsync();
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    public string HostConnectionStringOf(string database) => Server.ConnectionString(database, Login);

    /// <summary>Copies the migrated database, which nobody may have used.</summary>
    public async Task<string> MakeDatabaseAsync()
    {
        var name = $"run_{++_databases}";
        await Server.QueryAsync($"create database {name} template {Migrated} owner iiot_owner");
        return name;
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    private async Task PrepareAsync()
    {
        await Server.QueryAsync(PostgresMigrations.RolesScript);
        await Server.QueryAsync($"create role {Login} login noinherit in role iiot_app, iiot_writer, iiot_jobs");
        await Server.QueryAsync($"create database {Migrated} owner iiot_owner encoding 'UTF8' template template0");
        await using var owner = NpgsqlDataSource.Create(Server.AdminConnectionString(Migrated) + ";Options=-c role=iiot_owner");
        await new PostgresMigrator(NullLogger.Instance).MigrateAsync(owner, PostgresMigrations.Steps, CancellationToken.None);
    }
}
