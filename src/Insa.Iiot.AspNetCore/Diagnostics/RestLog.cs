using Microsoft.Extensions.Logging;

namespace Insa.Iiot.AspNetCore.Diagnostics;

// Ids are part of the package's contract: append, never renumber. AspNetCore owns 6000-6999.
internal static partial class RestLog
{
    [LoggerMessage(6000, LogLevel.Error, "{Endpoint} failed")]
    public static partial void EndpointFailed(this ILogger logger, Exception exception, string? endpoint);
}
