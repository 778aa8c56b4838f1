using System.Globalization;
using Insa.Iiot.Peers;
using Insa.Iiot.Storage.Postgres;
using Microsoft.Extensions.DependencyInjection;

[assembly: AssemblyFixture(typeof(Insa.Iiot.AspNetCore.Tests.PostgresCluster))]

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>A server that tests share, with the roles and logins of docs/postgres.md.</summary>
public sealed class PostgresCluster : IAsyncLifetime
{
    private PostgresServer _server = null!;
    private int _databases;

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresServer.StartAsync();
        await _server.QueryAsync(PostgresMigrations.RolesScript);
        await _server.QueryAsync("create role iiot_host login noinherit in role iiot_app, iiot_writer, iiot_jobs");
        await _server.QueryAsync("create role iiot_deploy login noinherit in role iiot_owner");
    }

    /// <summary>Adds a store in a fresh database.</summary>
    public async Task<Action<IiotBuilder>> MakeStoreAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"api_{Interlocked.Increment(ref _databases)}");
        await _server.QueryAsync($"create database {name} owner iiot_owner encoding 'UTF8' template template0");
        return iiot =>
            iiot.AddPostgresStorage(postgres =>
            {
                postgres.ConnectionString = _server.ConnectionString(name, "iiot_host");
                postgres.CredentialKey = ApiWorld.CredentialKey;
                postgres.OwnerConnectionString = _server.ConnectionString(name, "iiot_deploy");
            });
    }

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? default;
}
