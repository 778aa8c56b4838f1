using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>A host does not start on a store that it must not use, and starts on one that cannot be reached yet.</summary>
public sealed class StoreStartTests(PostgresCluster cluster) : IDisposable
{
    private readonly FakeLoggerProvider _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task A_store_that_must_not_be_used_stops_the_host_before_anything_starts()
    {
        var other = new OtherService();
        using var host = Host(cluster.Server.ConnectionString(await cluster.MakeDatabaseAsync(), "postgres"), other);
        var refusal = await Assert.ThrowsAsync<TelemetryStoreException>(() => host.StartAsync());
        Assert.Contains("postgres is a superuser", refusal.Message, StringComparison.Ordinal);
        Assert.False(other.IsStarted);
    }

    [Fact]
    public async Task A_server_that_cannot_be_reached_yet_is_logged_and_used_when_it_is_there()
    {
        await using var own = new PostgresCluster();
        await own.InitializeAsync();
        var text = own.Server.ConnectionString(await own.MakeDatabaseAsync(), PostgresCluster.Host);
        await own.Server.StopAsync();
        var other = new OtherService();
        using var host = Host(text, other);
        await host.StartAsync();
        Assert.True(other.IsStarted);
        Assert.Contains(_log.Collector.GetSnapshot(), record => record.Id.Id == 5011 && record.Level == LogLevel.Warning);
        var devices = host.Services.GetRequiredService<IDeviceRegistry>();
        var (plant, press) = (TenantId.Parse("plant"), DeviceId.Parse("press"));
        Assert.True((await Assert.ThrowsAsync<TelemetryStoreException>(async () => await devices.FindAsync(plant, press))).IsTransient);

        await own.Server.StartAgainAsync();
        Assert.Null(await devices.FindAsync(plant, press));
        await host.StopAsync();
    }

    [Fact]
    public async Task A_store_that_is_ready_is_migrated_when_the_host_has_started()
    {
        var database = await cluster.MakeEmptyDatabaseAsync();
        using var host = Host(cluster.Server.ConnectionString(database, PostgresCluster.Host), new OtherService(), database);
        await host.StartAsync();
        Assert.Equal(
            PostgresMigrations.CurrentVersion,
            await cluster.Server.QueryAsync("select max(version) from iiot.schema_migration", database)
        );
        await host.StopAsync();
    }

    private IHost Host(string connectionString, OtherService other, string? migrates = null)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(_log);
        builder.Services.AddSingleton<IHostedService>(other);
        builder
            .Services.AddIiot()
            .AddPostgresStorage(options =>
            {
                options.ConnectionString = connectionString;
                options.MigrateOnStart = migrates is not null;
                options.RunsJobs = false;
                if (migrates is not null)
                    options.OwnerConnectionString = cluster.Server.ConnectionString(migrates, PostgresCluster.Deploy) + ";Pooling=false";
            });
        return builder.Build();
    }

    private sealed class OtherService : IHostedService
    {
        public bool IsStarted { get; private set; }

        public Task StartAsync(CancellationToken cancellationToken)
        {
            IsStarted = true;
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
