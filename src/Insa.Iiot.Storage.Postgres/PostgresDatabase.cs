using System.Globalization;
using Insa.Iiot.Storage.Postgres.Diagnostics;
using Insa.Iiot.Storage.Postgres.Migrations;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres;

/// <summary>The database: one pool of connections per role. Migrated and checked on first use.</summary>
internal sealed class PostgresDatabase : IAsyncDisposable
{
    private const int ReadBufferBytes = 32 * 1024;

    private readonly PostgresStorageOptions _options;
    private readonly ILogger<PostgresDatabase> _logger;
    private readonly SemaphoreSlim _preparing = new(1);
    private readonly Lazy<NpgsqlDataSource> _app;
    private readonly Lazy<NpgsqlDataSource> _writer;
    private readonly Lazy<NpgsqlDataSource> _jobs;
    private readonly Lazy<NpgsqlDataSource> _locks;
    private volatile bool _isReady;

    public PostgresDatabase(IOptions<PostgresStorageOptions> options, ILogger<PostgresDatabase> logger)
    {
        _options = options.Value;
        _logger = logger;
        _app = new(() => Source(_options.ConnectionString, PostgresRole.App, _options.MaxConnections));
        _writer = new(() =>
            Source(_options.WriterConnectionString ?? _options.ConnectionString, PostgresRole.Writer, _options.WriterConnections + 1)
        );
        _jobs = new(() => Source(_options.JobsConnectionString ?? _options.ConnectionString, PostgresRole.Jobs, 4));
        _locks = new(() => Source(_options.JobsConnectionString ?? _options.ConnectionString, PostgresRole.Jobs, 1, isPooled: false));
    }

    /// <summary>Connections that see one tenant at a time: see <see cref="TenantBatch"/>.</summary>
    public NpgsqlDataSource App => _app.Value;

    /// <summary>Connections that may only write telemetry.</summary>
    public NpgsqlDataSource Writer => _writer.Value;

    /// <summary>Connections of background jobs, which see all tenants' telemetry.</summary>
    public NpgsqlDataSource Jobs => _jobs.Value;

    /// <summary>Connections of background jobs that end with their use: what a session holds must not outlive it in a pool.</summary>
    public NpgsqlDataSource Locks => _locks.Value;

    /// <summary>Migrates and checks the database, once.</summary>
    /// <exception cref="TelemetryStoreException">It cannot be used; the message says what to do.</exception>
    public ValueTask ReadyAsync(CancellationToken cancellationToken) => _isReady ? default : new ValueTask(PrepareAsync(cancellationToken));

    public async ValueTask DisposeAsync()
    {
        foreach (var source in new[] { _app, _writer, _jobs, _locks })
        {
            if (source.IsValueCreated)
                await source.Value.DisposeAsync().ConfigureAwait(false);
        }

        _preparing.Dispose();
    }

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await _preparing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isReady)
                return;

            // First of all: a superuser could migrate, and the tables would be his.
            await StartCheck.RefuseAsync(this, _options, cancellationToken).ConfigureAwait(false);
            if (_options.MigrateOnStart && !await IsCurrentAsync(cancellationToken).ConfigureAwait(false))
                await MigrateAsync(cancellationToken).ConfigureAwait(false);
            var server = await StartCheck.RunAsync(this, _options, _logger, cancellationToken).ConfigureAwait(false);
            _logger.Ready(server.Version, PostgresMigrations.CurrentVersion, server.Login);
            _isReady = true;
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
        finally
        {
            _preparing.Release();
        }
    }

    // Whom the network has cut off must not keep its locks: the server finds out by itself, and ends what nobody waits for any more.
    private string Limits(string role)
    {
        var limits = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3";
        if (role is not (PostgresRole.App or PostgresRole.Writer))
            return limits;
        var milliseconds = (2 * (long)_options.CommandTimeout.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        return $"{limits} -c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds}";
    }

    // So that a host whose login may not migrate still starts on a schema that needs nothing.
    private async Task<bool> IsCurrentAsync(CancellationToken cancellationToken)
    {
        var connection = await App.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeConnection = connection.ConfigureAwait(false);
        return await PostgresMigrator.IsCurrentAsync(connection, PostgresMigrations.Steps, cancellationToken).ConfigureAwait(false);
    }

    private async Task MigrateAsync(CancellationToken cancellationToken)
    {
        var owner = Source(_options.OwnerConnectionString ?? _options.ConnectionString, PostgresRole.Owner, 1);
        await using (owner.ConfigureAwait(false))
        {
            await new PostgresMigrator(_logger).MigrateAsync(owner, PostgresMigrations.Steps, cancellationToken).ConfigureAwait(false);

            // Only while there is nothing yet that another width would cut across.
            var command = owner.CreateCommand(
                "update iiot_data.telemetry_state set partition_width = $1 where not exists (select from iiot_data.partitions('iiot_data.telemetry_frame'))"
            );
            await using var disposeCommand = command.ConfigureAwait(false);
            command.Parameters.Add(Parameter.Interval(_options.PartitionWidth));
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    // The role is part of the connection's start, so it is what RESET returns to. Ranges prune partitions only with a plan of their own, and no
    // statement of ours runs long enough to be worth compiling: that took 0.3 s where the rows took 10 ms.
    private NpgsqlDataSource Source(string connectionString, string role, int maxConnections, bool isPooled = true)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            CommandTimeout = (int)Math.Ceiling(_options.CommandTimeout.TotalSeconds),
            MaxPoolSize = maxConnections,
            MaxAutoPrepare = 0,
            Enlist = false,

            // Npgsql logs the connection string, and with this the password in it.
            PersistSecurityInfo = false,
        };
        settings.Pooling &= isPooled;

        // Long answers come in fewer and larger reads; who writes gets short ones.
        if (role != PostgresRole.Writer)
            settings.ReadBufferSize = ReadBufferBytes;
        settings.MinPoolSize = Math.Min(settings.MinPoolSize, maxConnections);
        settings.ApplicationName ??= role;
        settings.Options =
            $"{settings.Options} -c role={role} -c timezone=UTC -c plan_cache_mode=force_custom_plan -c jit=off {Limits(role)}".Trim();

        // Without a logger: Npgsql would tell of every statement.
        return new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
    }
}
