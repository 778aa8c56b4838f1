using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Ingestion.Diagnostics;

// Ids are part of the package's contract: append, never renumber. Ingestion owns 1000-1999.
internal static partial class IngestionLog
{
    [LoggerMessage(1000, LogLevel.Information, "Ingestion writes to {Sink} with at most {Writers} writes in flight")]
    public static partial void Started(this ILogger logger, string sink, int writers);

    [LoggerMessage(1001, LogLevel.Warning, "The store is not available; devices are held back until it is")]
    public static partial void StoreUnavailable(this ILogger logger, Exception exception);

    [LoggerMessage(1002, LogLevel.Information, "The store is available again after {Failures} failed writes")]
    public static partial void StoreRecovered(this ILogger logger, int failures);

    [LoggerMessage(1003, LogLevel.Error, "The store refuses a batch of {Frames} frames; the refused chunk goes to the dead letters")]
    public static partial void BatchRefused(this ILogger logger, Exception exception, int frames);

    [LoggerMessage(1004, LogLevel.Warning, "Dead letters cannot be written; trying again")]
    public static partial void DeadLettersNotWritten(this ILogger logger, Exception exception);

    [LoggerMessage(1005, LogLevel.Warning, "The observer {Observer} failed on a batch")]
    public static partial void ObserverFailed(this ILogger logger, Exception exception, string observer);

    [LoggerMessage(1006, LogLevel.Warning, "Stopped before all messages were committed; none of those left was acknowledged")]
    public static partial void NotDrained(this ILogger logger);
}
