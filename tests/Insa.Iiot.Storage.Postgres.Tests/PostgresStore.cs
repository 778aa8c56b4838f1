using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Devices;
using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>A store on a database of its own.</summary>
internal sealed class PostgresStore : IAsyncDisposable
{
    public const int MaxDeadLetters = 20;

    public const string CredentialKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    private readonly ServiceProvider _services;
    private readonly PostgresCluster _cluster;

    private PostgresStore(
        PostgresCluster cluster,
        string database,
        Action<PostgresStorageOptions>? configure,
        Action<ILoggingBuilder>? logging,
        TimeProvider? time
    )
    {
        _cluster = cluster;
        DatabaseName = database;
        var services = new ServiceCollection();
        services.AddLogging(logging ?? (_ => { }));
        services.AddSingleton(time ?? TimeProvider.System);
        if (time is not null)
            services.AddSingleton<IServerClock>(ServerClock = new FakeServerClock(time));
        services.AddSingleton<IIssuedCertificateVerifier, TrustingVerifier>();
        services
            .AddIiot()
            .AddPostgresStorage(options =>
            {
                options.ConnectionString = cluster.Server.ConnectionString(database, PostgresCluster.Host);
                options.OwnerConnectionString = cluster.Server.ConnectionString(database, PostgresCluster.Deploy) + ";Pooling=false";
                options.MaxDeadLettersPerTenant = MaxDeadLetters;
                options.CredentialKey = CredentialKey;
                configure?.Invoke(options);
            });
        _services = services.BuildServiceProvider();
    }

    public string DatabaseName { get; }

    /// <summary>Of a store that was given a clock: the server's goes by it, unless it is set otherwise.</summary>
    public FakeServerClock? ServerClock { get; }

    public IServiceProvider Services => _services;

    public ITelemetrySink Sink => _services.GetRequiredService<ITelemetrySink>();

    public ITelemetryReader Reader => _services.GetRequiredService<ITelemetryReader>();

    public ITelemetrySeriesReader SeriesReader => _services.GetRequiredService<ITelemetrySeriesReader>();

    public PostgresDeviceStore Devices => _services.GetRequiredService<PostgresDeviceStore>();

    public IDeadLetterStore DeadLetters => _services.GetRequiredService<IDeadLetterStore>();

    public ITelemetryStatistics Statistics => _services.GetRequiredService<ITelemetryStatistics>();

    public IRetentionPolicyStore Retention => _services.GetRequiredService<IRetentionPolicyStore>();

    public ITelemetryStorageMeter StorageMeter => _services.GetRequiredService<ITelemetryStorageMeter>();

    public IControlStore Control => _services.GetRequiredService<IControlStore>();

    public ITenantEraser Eraser => _services.GetRequiredService<ITenantEraser>();

    public PostgresDatabase Database => _services.GetRequiredService<PostgresDatabase>();

    public StreamKeeper Streams => _services.GetRequiredService<StreamKeeper>();

    /// <summary>Makes a store on a fresh database, or on the one given.</summary>
    public static async Task<PostgresStore> MakeAsync(
        PostgresCluster cluster,
        string? database = null,
        Action<PostgresStorageOptions>? configure = null,
        Action<ILoggingBuilder>? logging = null,
        TimeProvider? time = null
    ) => new(cluster, database ?? await cluster.MakeDatabaseAsync(), configure, logging, time);

    /// <summary>Sets a policy, in place of the one there may be.</summary>
    public async Task SetPolicyAsync(TenantId tenant, RetentionPolicy policy)
    {
        var there = (await Retention.ListAsync(tenant)).SingleOrDefault(other =>
            other.Metric == policy.Metric && other.Tier == policy.Tier
        );
        Assert.True(await Retention.SetAsync(tenant, policy, there?.Keep));
    }

    public Peers.PostgresServer Server => _cluster.Server;

    /// <summary>Runs a statement as the administrator, past all walls.</summary>
    public Task<object?> QueryAsync(string sql) => _cluster.Server.QueryAsync(sql, DatabaseName);

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
