using System.Globalization;
using Insa.Iiot.Peers;
using Insa.Iiot.Storage.Postgres;

[assembly: AssemblyFixture(typeof(Insa.Iiot.SampleHost.Tests.PostgresCluster))]

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>The server that all tests share which do not harm it, with the roles and logins of docs/postgres.md.</summary>
public sealed class PostgresCluster : IAsyncLifetime
{
    private int _databases;

    public PostgresServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await StartAsync();

    /// <summary>A server of a test's own.</summary>
    public static async Task<PostgresServer> StartAsync()
    {
        var server = await PostgresServer.StartAsync("shared_buffers = 128MB");
        await MakeRolesAsync(server);
        return server;
    }

    public static async Task MakeRolesAsync(PostgresServer server)
    {
        await server.QueryAsync(PostgresMigrations.RolesScript);
        await server.QueryAsync("create role iiot_host login noinherit in role iiot_app, iiot_writer, iiot_jobs");
        await server.QueryAsync("create role iiot_deploy login noinherit in role iiot_owner");
    }

    /// <summary>A fresh, empty database.</summary>
    public async Task<string> MakeDatabaseAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"host_{Interlocked.Increment(ref _databases)}");
        await MakeDatabaseAsync(Server, name);
        return name;
    }

    public static Task MakeDatabaseAsync(PostgresServer server, string name) =>
        server.QueryAsync($"create database {name} owner iiot_owner encoding 'UTF8' template template0");

    /// <summary>How a host is told to use a database.</summary>
    public static string[] Arguments(PostgresServer server, string database) =>
        Arguments(server.ConnectionString(database, "iiot_host"), server.ConnectionString(database, "iiot_deploy"));

    public static string[] Arguments(string host, string deploy) =>
        ["--Iiot:Storage=postgres", $"--Iiot:Postgres:ConnectionString={host}", $"--Iiot:Postgres:OwnerConnectionString={deploy}"];

    public ValueTask DisposeAsync() => Server?.DisposeAsync() ?? default;
}
