using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Storage.Postgres.Diagnostics;

// Ids are part of the package's contract: append, never renumber. Storage.Postgres owns 5000-5999.
internal static partial class PostgresLog
{
    [LoggerMessage(5000, LogLevel.Information, "Migrating the schema to version {Version} ({Name})")]
    public static partial void Migrating(this ILogger logger, int version, string name);

    [LoggerMessage(5001, LogLevel.Information, "PostgreSQL {Server}, schema version {Version}, as {Login}")]
    public static partial void Ready(this ILogger logger, string server, int version, string login);

    [LoggerMessage(
        5002,
        LogLevel.Warning,
        "The one login {Login} may also take the owner's role. Well for development; in production each role has a login of its own, and no other than that of migrations may (docs/postgres.md)"
    )]
    public static partial void LoginOwns(this ILogger logger, string login);

    [LoggerMessage(5003, LogLevel.Information, "A batch held frames that are stored already; writing {Batches} batches by comparison")]
    public static partial void Replaying(this ILogger logger, int batches);

    [LoggerMessage(5004, LogLevel.Warning, "The server refuses a batch of {Frames} frames; looking for the frames at fault")]
    public static partial void Isolating(this ILogger logger, Exception exception, int frames);

    [LoggerMessage(5005, LogLevel.Warning, "How far streams have come could not be noted; it will be tried again")]
    public static partial void StreamsNotTouched(this ILogger logger, Exception exception);

    [LoggerMessage(5006, LogLevel.Warning, "The server runs with fsync off: acknowledged messages are lost with the power")]
    public static partial void FsyncOff(this ILogger logger);

    [LoggerMessage(
        5007,
        LogLevel.Warning,
        "The login {Login} of the application may also take the roles {Roles}, and so read or write telemetry of all tenants. Well for development; in production give each role a login of its own (docs/postgres.md)"
    )]
    public static partial void LoginIsShared(this ILogger logger, string login, string roles);

    [LoggerMessage(
        5008,
        LogLevel.Warning,
        "The schema was made with partitions of {Found}, which stays; the option PartitionWidth says {Wanted} to no effect"
    )]
    public static partial void PartitionWidthDiffers(this ILogger logger, TimeSpan found, TimeSpan wanted);

    [LoggerMessage(
        5009,
        LogLevel.Warning,
        "PostgreSQL {Server} has known holes in row-level security (CVE-2024-10976, CVE-2025-8713): update it to {Safe} or later"
    )]
    public static partial void ServerOutdated(this ILogger logger, string server, string safe);

    [LoggerMessage(5010, LogLevel.Warning, "The server has no room for a write of {Frames} frames at once; writing them in parts")]
    public static partial void WriteTooLarge(this ILogger logger, Exception exception, int frames);

    [LoggerMessage(5011, LogLevel.Warning, "The store cannot be used yet; it will be tried again when it is needed")]
    public static partial void NotReady(this ILogger logger, Exception exception);

    [LoggerMessage(5020, LogLevel.Debug, "Closed {Hours} hours before {Before:O}")]
    public static partial void HoursClosed(this ILogger logger, int hours, DateTime before);

    [LoggerMessage(5021, LogLevel.Information, "No pause between writes in {Attempts} attempts to close an hour; it will be tried again")]
    public static partial void HoursNotClosed(this ILogger logger, int attempts);

    [LoggerMessage(
        5022,
        LogLevel.Warning,
        "{Frames} stored frames cannot be read, and are left out of the rollups: they are not of their streams' layouts"
    )]
    public static partial void DamagedFrames(this ILogger logger, long frames);

    [LoggerMessage(
        5023,
        LogLevel.Warning,
        "{Chunks} stored chunks cannot be read, and the rollups of their hours stay as they are: restore them from a backup"
    )]
    public static partial void DamagedChunks(this ILogger logger, long chunks);

    [LoggerMessage(
        5040,
        LogLevel.Information,
        "Compacted the frames from {Start:u}: {Points} points in {Chunks} chunks of {Bytes} bytes together, in {Seconds:F1} s"
    )]
    public static partial void Compacted(this ILogger logger, DateTime start, long points, long chunks, long bytes, double seconds);

    [LoggerMessage(
        5041,
        LogLevel.Information,
        "The frames from {Start:u} were written to while they were compacted; they will be compacted again"
    )]
    public static partial void CompactionAgain(this ILogger logger, DateTime start);

    [LoggerMessage(
        5042,
        LogLevel.Warning,
        "The frames from {Start:u} could not be compacted, and stay as they are; it will be tried again in an hour"
    )]
    public static partial void NotCompacted(this ILogger logger, Exception exception, DateTime start);

    [LoggerMessage(
        5043,
        LogLevel.Warning,
        "{Frames} frames and {Chunks} chunks of the span from {Start:u} cannot be read, and were set aside in iiot_data.quarantine: restore them from a backup, or leave them to retention"
    )]
    public static partial void SetAside(this ILogger logger, long frames, long chunks, DateTime start);

    [LoggerMessage(5060, LogLevel.Information, "Retention deleted {Rows} rows of tier {Tier} from {From:u} to {To:u}")]
    public static partial void RetentionDeleted(this ILogger logger, string tier, DateTime from, DateTime to, long rows);

    [LoggerMessage(5061, LogLevel.Warning, "Retention kept {Rows} rows of tier {Tier} from {From:u} to {To:u} that are due: {Reason}")]
    public static partial void RetentionKept(this ILogger logger, string tier, DateTime from, DateTime to, long rows, string reason);

    [LoggerMessage(5080, LogLevel.Warning, "A background job failed; it will be tried again")]
    public static partial void JobFailed(this ILogger logger, Exception exception);

    [LoggerMessage(5081, LogLevel.Information, "This host does the store's background jobs: rollups, compaction, retention")]
    public static partial void JobsTaken(this ILogger logger);

    [LoggerMessage(
        5082,
        LogLevel.Warning,
        "The clock of this host says {Here:u}, the server's {There:u}: it does no background jobs until they agree. Set the one that is wrong"
    )]
    public static partial void ClocksDiffer(this ILogger logger, DateTime here, DateTime there);
}
