using Insa.Iiot;
using Insa.Iiot.Storage.Postgres;
using Insa.Iiot.Storage.Postgres.Control;
using Insa.Iiot.Storage.Postgres.Devices;
using Insa.Iiot.Storage.Postgres.Diagnostics;
using Insa.Iiot.Storage.Postgres.Erasure;
using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Retention;
using Insa.Iiot.Storage.Postgres.Rollups;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the PostgreSQL store to a host.</summary>
public static class PostgresIiotBuilderExtensions
{
    /// <summary>Adds telemetry sink and reader, device registry with credentials, dead letters, statistics, retention policies, the control plane's records and the erasure of tenants, all in one PostgreSQL database.</summary>
    public static IiotBuilder AddPostgresStorage(this IiotBuilder builder, Action<PostgresStorageOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);

        var services = builder.Services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<PostgresStorageOptions>, PostgresStorageOptionsValidator>());
        services.AddOptionsWithValidateOnStart<PostgresStorageOptions>().Configure(configure);

        services.AddMetrics();
        services.TryAddSingleton<PostgresMetrics>();
        services.TryAddSingleton<PostgresDatabase>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, StoreStart>());
        services.TryAddSingleton(provider => new StreamDictionary(
            provider.GetRequiredService<IOptions<PostgresStorageOptions>>().Value.MaxCachedStreams
        ));
        services.TryAddSingleton<PartitionCache>();
        services.TryAddSingleton<StreamKeeper>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IHostedService, StreamKeeper>(provider => provider.GetRequiredService<StreamKeeper>())
        );
        services.TryAddSingleton<IServerClock, ServerClock>();
        services.TryAddSingleton<JobClock>();
        services.TryAddSingleton<Quarantine>();
        services.TryAddSingleton<Compactor>();
        services.TryAddSingleton<IPointSource, PostgresPointSource>();
        services.TryAddSingleton<RollupJob>();
        services.TryAddSingleton<RetentionRun>();
        services.TryAddSingleton(provider => new PostgresRetention(
            provider.GetRequiredService<PostgresDatabase>(),
            provider.GetRequiredService<RetentionRun>()
        ));
        services.TryAddSingleton<IRetentionPolicyStore, PostgresRetentionPolicies>();
        services.TryAddSingleton<JobService>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IHostedService, JobService>(provider => provider.GetRequiredService<JobService>())
        );
        services.TryAddSingleton<ITelemetrySink, PostgresTelemetrySink>();
        services.TryAddSingleton<PostgresTelemetryReader>();
        services.TryAddSingleton<ITelemetryReader>(provider => provider.GetRequiredService<PostgresTelemetryReader>());
        services.TryAddSingleton<ITelemetrySeriesReader, PostgresSeriesReader>();
        services.TryAddSingleton<IDeadLetterStore, PostgresDeadLetterStore>();
        services.TryAddSingleton<IControlStore, PostgresControlStore>();
        services.TryAddSingleton<ITenantEraser, PostgresTenantEraser>();
        services.TryAddSingleton<PostgresDeviceStore>();
        services.TryAddSingleton<IDeviceRegistry>(provider => provider.GetRequiredService<PostgresDeviceStore>());
        services.TryAddSingleton<IDeviceAuthenticator>(provider => provider.GetRequiredService<PostgresDeviceStore>());
        services.TryAddSingleton<IDevicePskStore>(provider => provider.GetRequiredService<PostgresDeviceStore>());
        services.TryAddSingleton<ITelemetryStatistics, PostgresTelemetryStatistics>();
        services.TryAddSingleton<ITelemetryStorageMeter, PostgresStorageMeter>();
        return builder;
    }
}
