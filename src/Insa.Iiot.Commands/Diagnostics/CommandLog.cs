using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Commands.Diagnostics;

// Ids are part of the package's contract: append, never renumber. Commands own 8000-8999.
internal static partial class CommandLog
{
    [LoggerMessage(8000, LogLevel.Warning, "Asking for commands that other hosts have sent failed; trying again every {Interval}")]
    public static partial void PollFailed(this ILogger logger, Exception e, TimeSpan interval);

    [LoggerMessage(8001, LogLevel.Error, "An adapter failed at the news of a command")]
    public static partial void ListenerFailed(this ILogger logger, Exception e);
}
