using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Sqlite.Devices;
using Insa.Iiot.Storage.Sqlite.Retention;
using Insa.Iiot.Storage.Sqlite.Telemetry;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Storage.Sqlite.Tests;

/// <summary>A store in a folder of its own.</summary>
internal sealed class SqliteStore : IDisposable
{
    public const int MaxDeadLetters = 20;

    public const string CredentialKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    private readonly ServiceProvider _services;
    private readonly bool _ownsFolder;

    public SqliteStore(string? folder = null, TimeProvider? time = null, string? credentialKey = CredentialKey)
    {
        _ownsFolder = folder is null;
        Folder = folder ?? Directory.CreateTempSubdirectory("iiot-sqlite-").FullName;
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(time ?? TimeProvider.System);
        services.AddSingleton<IIssuedCertificateVerifier, TrustingVerifier>();
        services
            .AddIiot()
            .AddSqliteStorage(options =>
            {
                options.Path = Path;
                options.MaxDeadLettersPerTenant = MaxDeadLetters;
                options.CredentialKey = credentialKey;
                options.BusyTimeout = TimeSpan.Zero;
            });
        _services = services.BuildServiceProvider();
    }

    public string Folder { get; }

    public string Path => System.IO.Path.Combine(Folder, "iiot.db");

    public ITelemetrySink Sink => _services.GetRequiredService<ITelemetrySink>();

    public ITelemetryReader Reader => _services.GetRequiredService<ITelemetryReader>();

    public ITelemetrySeriesReader SeriesReader => _services.GetRequiredService<ITelemetrySeriesReader>();

    public SqliteDeviceStore Devices => _services.GetRequiredService<SqliteDeviceStore>();

    public HourIndexer Indexer => _services.GetRequiredService<HourIndexer>();

    public IDeadLetterStore DeadLetters => _services.GetRequiredService<IDeadLetterStore>();

    public ITelemetryStatistics Statistics => _services.GetRequiredService<ITelemetryStatistics>();

    public IRetentionPolicyStore Retention => _services.GetRequiredService<IRetentionPolicyStore>();

    public RetentionJob RetentionJob => _services.GetRequiredService<RetentionJob>();

    public ITelemetryStorageMeter StorageMeter => _services.GetRequiredService<ITelemetryStorageMeter>();

    public IControlStore Control => _services.GetRequiredService<IControlStore>();

    public ITenantEraser Eraser => _services.GetRequiredService<ITenantEraser>();

    public SqliteDatabase Database => _services.GetRequiredService<SqliteDatabase>();

    public object? Query(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    public void Dispose()
    {
        _services.Dispose();
        if (_ownsFolder)
            Directory.Delete(Folder, recursive: true);
    }
}
