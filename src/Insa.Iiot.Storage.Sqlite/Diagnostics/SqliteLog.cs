using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Storage.Sqlite.Diagnostics;

// Ids are part of the package's contract: append, never renumber. Storage.Sqlite owns 4000-4999.
internal static partial class SqliteLog
{
    [LoggerMessage(4000, LogLevel.Warning, "Hours that are over could not be indexed; reading them is slower until they are")]
    public static partial void HoursNotIndexed(this ILogger logger, Exception exception);

    [LoggerMessage(4010, LogLevel.Information, "Retention deleted {Frames} frames")]
    public static partial void FramesExpired(this ILogger logger, long frames);

    [LoggerMessage(4011, LogLevel.Warning, "Frames that are due could not be deleted; the next run goes on")]
    public static partial void FramesNotExpired(this ILogger logger, Exception exception);
}
