namespace Insa.Iiot.Storage.Postgres;

/// <summary>Where the PostgreSQL store is and how it is used. Checked when the host starts.</summary>
/// <remarks>
/// Every connection takes the role of its task (<c>iiot_app</c>, <c>iiot_writer</c>, <c>iiot_jobs</c>, <c>iiot_owner</c>), so its login must
/// be a member of that role and nothing more: in production a login for each (docs/postgres.md). Connect to the server itself or to a pooler in session mode.
/// </remarks>
public sealed class PostgresStorageOptions
{
    /// <summary>How the application connects: registry, credentials, queries. Npgsql keywords; no default. Never logged.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>How telemetry is written. Default: as <see cref="ConnectionString"/>.</summary>
    public string? WriterConnectionString { get; set; }

    /// <summary>How background jobs connect (rollups, compaction, retention). Default: as <see cref="ConnectionString"/>.</summary>
    public string? JobsConnectionString { get; set; }

    /// <summary>How migrations connect. Default: as <see cref="ConnectionString"/>. Not used unless <see cref="MigrateOnStart"/> is set.</summary>
    public string? OwnerConnectionString { get; set; }

    /// <summary>Whether missing migrations are applied at start. Default <see langword="true"/>. Otherwise the schema must already be of this package's version.</summary>
    public bool MigrateOnStart { get; set; } = true;

    /// <summary>
    /// How much time a partition of frames holds. Default 1 day; 1 hour or 1 day. An hour is for sites above some 50,000 points/s: history is
    /// compressed, and so read fast, an hour after it was written. Taken when the schema is first made, and kept from then on; a host that is told
    /// otherwise later says so in its log.
    /// </summary>
    public TimeSpan PartitionWidth { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How many batches are written at once, each on a connection of its own. Default 2; 1 to 16. No more than the server has cores to spare.</summary>
    public int WriterConnections { get; set; } = 2;

    /// <summary>The most connections for everything else. Default 20; 1 to 1,000.</summary>
    public int MaxConnections { get; set; } = 20;

    /// <summary>How long a statement may take. Default 30 s; 1 s to 1 hour.</summary>
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The most streams (a device in a layout) whose numbers are remembered. Default 500,000; 1,000 to 100,000,000. Some 200 bytes each.</summary>
    public int MaxCachedStreams { get; set; } = 500_000;

    /// <summary>
    /// How long after its end a partition of frames is rewritten into compressed chunks, which later frames then join. Default 1 hour;
    /// 0 to 10 years, or <see langword="null"/> for never.
    /// </summary>
    public TimeSpan? CompactAfter { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long points are kept where no policy says otherwise. Default <see langword="null"/>, for ever; more than zero.</summary>
    public TimeSpan? RawRetention { get; set; }

    /// <summary>How long values per minute are kept where no policy says otherwise. Default <see langword="null"/>, for ever; more than zero.</summary>
    public TimeSpan? MinuteRetention { get; set; }

    /// <summary>How long values per hour are kept where no policy says otherwise. Default <see langword="null"/>, for ever; more than zero.</summary>
    public TimeSpan? HourRetention { get; set; }

    /// <summary>How long values per day are kept where no policy says otherwise. Default <see langword="null"/>, for ever; more than zero.</summary>
    public TimeSpan? DayRetention { get; set; }

    /// <summary>Whether this host takes part in the background jobs, which one host of a cluster does at a time. Default <see langword="true"/>.</summary>
    public bool RunsJobs { get; set; } = true;

    /// <summary>The most dead letters kept per tenant; the oldest go first. Default 10,000; 0 to 10,000,000.</summary>
    public int MaxDeadLettersPerTenant { get; set; } = 10_000;

    /// <summary>How long after its end an hour stays open for late frames before it is rolled up. Default 2 min; 0 to 1 day. Later ones are rolled up too, only at more cost.</summary>
    public TimeSpan RollupGrace { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// What devices' pre-shared keys are sealed with at rest: 32 random bytes in Base64, the same for all hosts, kept apart from the database. Default
    /// none: then devices can have no pre-shared keys. Never logged.
    /// </summary>
    public string? CredentialKey { get; set; }
}
