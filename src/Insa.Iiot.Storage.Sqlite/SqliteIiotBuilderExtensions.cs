using Insa.Iiot;
using Insa.Iiot.Storage.Sqlite;
using Insa.Iiot.Storage.Sqlite.Control;
using Insa.Iiot.Storage.Sqlite.Devices;
using Insa.Iiot.Storage.Sqlite.Erasure;
using Insa.Iiot.Storage.Sqlite.Retention;
using Insa.Iiot.Storage.Sqlite.Telemetry;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the embedded store to a host.</summary>
public static class SqliteIiotBuilderExtensions
{
    /// <summary>Adds telemetry sink and reader, device registry with credentials, dead letters, statistics, retention policies, the control plane's records and the erasure of tenants, all in one SQLite file.</summary>
    public static IiotBuilder AddSqliteStorage(this IiotBuilder builder, Action<SqliteStorageOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        var services = builder.Services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<SqliteStorageOptions>, SqliteStorageOptionsValidator>());
        var options = services.AddOptionsWithValidateOnStart<SqliteStorageOptions>();
        if (configure is not null)
            options.Configure(configure);

        services.TryAddSingleton<SqliteDatabase>();
        services.TryAddSingleton<OpenHours>();
        services.TryAddSingleton<ITelemetrySink, SqliteTelemetrySink>();
        services.TryAddSingleton<HourIndexer>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IHostedService, HourIndexer>(provider => provider.GetRequiredService<HourIndexer>())
        );
        services.TryAddSingleton<SqliteTelemetryReader>();
        services.TryAddSingleton<ITelemetryReader>(provider => provider.GetRequiredService<SqliteTelemetryReader>());
        services.TryAddSingleton<ITelemetrySeriesReader>(provider => new SqliteSeriesReader(
            provider.GetRequiredService<SqliteTelemetryReader>()
        ));
        services.TryAddSingleton<IDeadLetterStore, SqliteDeadLetterStore>();
        services.TryAddSingleton<IControlStore, SqliteControlStore>();
        services.TryAddSingleton<ITenantEraser, SqliteTenantEraser>();
        services.TryAddSingleton<SqliteDeviceStore>();
        services.TryAddSingleton<IDeviceRegistry>(provider => provider.GetRequiredService<SqliteDeviceStore>());
        services.TryAddSingleton<IDeviceAuthenticator>(provider => provider.GetRequiredService<SqliteDeviceStore>());
        services.TryAddSingleton<IDevicePskStore>(provider => provider.GetRequiredService<SqliteDeviceStore>());
        services.TryAddSingleton<ITelemetryStatistics, SqliteTelemetryStatistics>();
        services.TryAddSingleton<IRetentionPolicyStore, SqliteRetentionPolicies>();
        services.TryAddSingleton<RetentionJob>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IHostedService, RetentionJob>(provider => provider.GetRequiredService<RetentionJob>())
        );
        return builder;
    }
}
